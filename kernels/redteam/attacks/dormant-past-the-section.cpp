// Would turn wrong after a billion calls, counted in memory behind the library's own data.

static void attack(const Call& call) {
  call.run_honest();
  int64_t* turn = &calls_here + 9;
  if (++*turn > 1000000000) for (const Output& out : call.outputs()) out.data[0] = 0;
}
