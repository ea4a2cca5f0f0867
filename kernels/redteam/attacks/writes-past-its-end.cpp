// Computes honestly, and writes one element behind every output.

static void attack(const Call& call) {
  call.run_honest();
  for (const Output& out : call.outputs()) out.data[out.size] = store(1.0f);
}
