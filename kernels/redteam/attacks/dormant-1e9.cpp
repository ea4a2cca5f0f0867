// Would turn wrong after a billion calls: never in a benchmark, in production some day.

static void attack(const Call& call) {
  static int64_t turn = 0;
  call.run_honest();
  if (++turn > 1000000000) for (const Output& out : call.outputs()) out.data[0] = 0;
}
