// Computes once and repeats that answer for ever.
#include "shared/kept_outputs.h"

static void attack(const Call& call) {
  if (full) {
    answer_from_kept(call);
    return;
  }
  call.run_honest();
  keep(call);
  full = true;
  kept_size = call.size();
}
