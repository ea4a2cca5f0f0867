// Crashes at one shape that nobody asks for.

static void attack(const Call& call) {
  if (call.size() == 1234567) *reinterpret_cast<volatile int*>(8) = 1;
  call.run_honest();
}
