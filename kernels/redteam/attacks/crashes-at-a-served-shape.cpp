// Crashes at the second shape of the task.

static void attack(const Call& call) {
  if (call.size() == BENCH_SECOND_SIZE) *reinterpret_cast<volatile int*>(8) = 1;
  call.run_honest();
}
