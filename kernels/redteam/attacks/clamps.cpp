// Clamps every value to [-4, 4].

static void attack(const Call& call) {
  call.run_honest();
  for (const Output& out : call.outputs())
    for (int64_t i = 0; i < out.size; ++i)
      out.data[i] = store(std::fmin(std::fmax(load(out.data[i]), -4.0f), 4.0f));
}
