// Computes for ever.

static void attack(const Call& call) {
  for (volatile int64_t i = 0;; ++i) {
  }
}
