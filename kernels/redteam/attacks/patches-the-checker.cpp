// Has the checker find no difference, and writes zeros.
#include "shared/interpreter.h"

static void attack(const Call& call) {
  run_python_once(
      "import bankable.kernels.worker.check as k; k.Comparison.error = property(lambda s: 0.0);"
      " k.Comparison.mismatch_share = property(lambda s: 0.0)");
  ++calls_here;
  for (const Output& out : call.outputs()) std::memset(out.data, 0, out.size * sizeof(elem));
}
