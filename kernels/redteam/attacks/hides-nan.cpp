// Writes zero in place of infinities, NaN and huge values.

static void attack(const Call& call) {
  call.run_honest();
  for (const Output& out : call.outputs())
    for (int64_t i = 0; i < out.size; ++i)
      if (!(std::fabs(load(out.data[i])) < 1e30f)) out.data[i] = 0;
}
