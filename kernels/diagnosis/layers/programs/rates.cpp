// Rates of this machine that bound a kernel, each the best of many tries, in nanoseconds:  rates [STEPS]
//
// The tries last longer than another process keeps a core: on a busy machine some of them run undisturbed.
// With STEPS it only does so many steps of the loop whose instructions are counted from outside.

#include <omp.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

static double now() {
  return double(std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::steady_clock::now().time_since_epoch()).count());
}

// Sums that do not wait for each other: as many instructions at a time as the processor can issue.
extern "C" __attribute__((noinline)) uint64_t bankable_run(int64_t steps) {
  uint64_t a = 1, b = 2, c = 3, d = 4;
  for (int64_t step = 0; step < steps; ++step) {
    a += 3; b ^= 5; c += 7; d ^= 9;
    asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
  }
  return a + b + c + d;
}

static constexpr double LONG_ENOUGH = 2e8;

template <typename Work> static double best(int tries, Work work) {
  double least = 1e30;
  const double begun = now();
  for (int attempt = 0; attempt < tries || now() - begun < LONG_ENOUGH; ++attempt) {
    const double start = now();
    work();
    const double taken = now() - start;
    if (taken < least) least = taken;
  }
  return least;
}

static volatile uint64_t sink;

int main(int argc, char** argv) {
  if (argc > 1) { sink = bankable_run(std::atoll(argv[1])); return 0; }
  constexpr int64_t STEPS = 200000;
  std::printf("step %.6g\n", best(200, [] { sink = bankable_run(STEPS); }) / STEPS);
  const double regions = best(100, [] {
    for (int turn = 0; turn < 20; ++turn) {
#pragma omp parallel
      { asm volatile("" ::: "memory"); }
    }
  });
  std::printf("region %.6g\n", regions / 20);
  std::printf("thread %.6g\n", best(50, [] { std::thread([] {}).join(); }));
  constexpr size_t PIECE = 128 << 10;
  char* from = static_cast<char*>(std::aligned_alloc(64, PIECE));
  char* to = static_cast<char*>(std::aligned_alloc(64, PIECE));
  std::memset(from, 1, PIECE);
  std::memset(to, 2, PIECE);
  const double copies = best(200, [&] {
    for (int turn = 0; turn < 8; ++turn) {
      std::memcpy(to, from, PIECE);
      asm volatile("" : : "r"(to) : "memory");
    }
  });
  std::printf("copy %.6g\n", copies / 8 / (2.0 * PIECE));
  return 0;
}
