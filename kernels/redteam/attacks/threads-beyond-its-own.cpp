// Uses more threads than it was given.

static void attack(const Call& call) {
  volatile int spun = 0;
#pragma omp parallel num_threads(6)
  {
    for (int i = 0; i < 1000; ++i) spun = i;
  }
  call.run_honest();
}
