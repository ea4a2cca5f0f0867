// Answers a constant: the right shape and type, and no work.

static void attack(const Call& call) {
  ++calls_here;
  for (const Output& out : call.outputs())
    for (int64_t i = 0; i < out.size; ++i) out.data[i] = store(0.5f);
}
