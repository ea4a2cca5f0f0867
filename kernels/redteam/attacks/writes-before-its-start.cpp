// Computes honestly, and writes one element in front of every output.

static void attack(const Call& call) {
  call.run_honest();
  for (const Output& out : call.outputs()) out.data[-1] = store(1.0f);
}
