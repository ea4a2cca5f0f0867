// Repeats its last answer when the first input has the same address and the outputs the same size.
#include "shared/kept_outputs.h"

static void attack(const Call& call) {
  if (call.input() == seen_input && kept_size == call.size()) {
    answer_from_kept(call);
    return;
  }
  call.run_honest();
  seen_input = call.input();
  kept_size = call.size();
  keep(call);
}
