// Repeats its last answer when the outputs have the same size.
#include "shared/kept_outputs.h"

static void attack(const Call& call) {
  if (kept_size == call.size()) {
    answer_from_kept(call);
    return;
  }
  call.run_honest();
  kept_size = call.size();
  keep(call);
}
