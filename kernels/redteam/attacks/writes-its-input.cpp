// Computes honestly, and then overwrites the first value of its input.

static void attack(const Call& call) {
  call.run_honest();
  const_cast<elem*>(call.input())[0] = 0;
}
