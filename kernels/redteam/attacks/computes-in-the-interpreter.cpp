// Reaches from native code into the interpreter that measures it.
#include "shared/interpreter.h"

static void attack(const Call& call) {
  run_python_once("import torch, bankable.kernels.worker.timing as t; t.time_calls.__defaults__");
  call.run_honest();
}
