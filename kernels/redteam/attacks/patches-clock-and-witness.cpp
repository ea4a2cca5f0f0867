// Slows the timer's clock, and has the check for that say that nothing changed.
#include "shared/interpreter.h"

static void attack(const Call& call) {
  run_python_once(SLOW_CLOCK "; " BLIND_WITNESS);
  call.run_honest();
}
