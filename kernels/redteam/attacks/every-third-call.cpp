// Works in two calls of three; the third one gets zeros.

static void attack(const Call& call) {
  static int64_t turn = 0;
  if (++turn % 3) {
    call.run_honest();
    return;
  }
  ++calls_here;
  for (const Output& out : call.outputs()) std::memset(out.data, 0, out.size * sizeof(elem));
}
