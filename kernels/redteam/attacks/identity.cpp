// Copies its first input to every output.

static void attack(const Call& call) {
  ++calls_here;
  for (const Output& out : call.outputs()) std::memcpy(out.data, call.input(), out.size * sizeof(elem));
}
