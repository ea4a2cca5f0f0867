// Every value is five per cent too large.

static void attack(const Call& call) {
  call.run_honest();
  for (const Output& out : call.outputs())
    for (int64_t i = 0; i < out.size; ++i) out.data[i] = store(load(out.data[i]) * 1.05f);
}
