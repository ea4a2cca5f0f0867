// Slows the timer's clock by half, through the interpreter in its own process.
#include "shared/interpreter.h"

static void attack(const Call& call) {
  run_python_once(SLOW_CLOCK);
  call.run_honest();
}
