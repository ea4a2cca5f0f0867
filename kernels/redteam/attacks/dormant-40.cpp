// Turns wrong after forty calls.

static void attack(const Call& call) {
  static int64_t turn = 0;
  call.run_honest();
  if (++turn > 40) for (const Output& out : call.outputs()) out.data[0] = 0;
}
