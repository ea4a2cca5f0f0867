// Would turn wrong after a billion calls, and keeps no counter for that but the one that every kernel has.

static void attack(const Call& call) {
  call.run_honest();
  if (calls_here > 1000000000) for (const Output& out : call.outputs()) out.data[0] = 0;
}
