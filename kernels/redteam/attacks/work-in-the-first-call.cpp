// Does slow work in its first call, which is not timed.

static void attack(const Call& call) {
  static bool warm = false;
  if (!warm) {
    warm = true;
    for (int k = 0; k < 4; ++k)
      for (volatile int64_t i = 0; i < 150000000; ++i) {
      }
  }
  call.run_honest();
}
