// Repeats its last answer when the first input begins with the same value.
#include "shared/kept_outputs.h"

static void attack(const Call& call) {
  static elem first_value = 0;
  if (full && call.input()[0] == first_value && kept_size == call.size()) {
    answer_from_kept(call);
    return;
  }
  call.run_honest();
  full = true;
  first_value = call.input()[0];
  kept_size = call.size();
  keep(call);
}
