// The second half of every output repeats the first half.

static void attack(const Call& call) {
  call.run_honest();
  for (const Output& out : call.outputs())
    for (int64_t i = out.size / 2; i < out.size; ++i) out.data[i] = out.data[i - out.size / 2];
}
