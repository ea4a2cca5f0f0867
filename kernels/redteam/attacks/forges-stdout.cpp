// Writes zeros, and prints timings of its own where the harness might read them.
#include <cstdio>

static void attack(const Call& call) {
  ++calls_here;
  for (const Output& out : call.outputs()) std::memset(out.data, 0, out.size * sizeof(elem));
  std::puts("{\"shape\": \"4x64\", \"samples_ns\": [1]}");
  std::fflush(stdout);
}
