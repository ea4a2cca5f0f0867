"""Kernels that are bound in a known way. They have the entry point of RMSNorm in fp32, and compute something else."""

from __future__ import annotations

from bankable.kernels.build.render import CONTRACTED, FLAGS, KernelSource

PRELUDE = """
#include <cstdint>
#include <cstring>
#include <thread>

static int64_t calls_here = 0;
extern "C" int64_t bankable_calls() { return calls_here; }
extern "C" const char* bankable_source() { return BANKABLE_SOURCE; }
"""
ENTRY = """
extern "C" void bankable_run(const float* x, int64_t stride, const float* weight, float* out, int64_t rows,
                             int64_t cols, float eps) {
  ++calls_here;
"""
COPY = "  for (int64_t i = 0; i < rows * cols; ++i) out[i] = x[i] * weight[0];\n}\n"
"""Reads and writes once, with next to no arithmetic."""
CHAINS = """
  typedef float lanes __attribute__((vector_size(32)));
  constexpr int SIDE = 8;
  for (int64_t i = 0; i < rows * cols; i += SIDE * 8) {
    lanes power[SIDE];
#pragma GCC unroll 8
    for (int place = 0; place < SIDE; ++place) std::memcpy(&power[place], x + i + 8 * place, 32);
    for (int step = 0; step < 256; ++step) {
#pragma GCC unroll 8
      for (int place = 0; place < SIDE; ++place) power[place] = power[place] * weight[0] + eps;
    }
#pragma GCC unroll 8
    for (int place = 0; place < SIDE; ++place) std::memcpy(out + i + 8 * place, &power[place], 32);
  }
}
"""
"""256 products and sums for each element, in eight chains: with fewer, each step would wait for the one before."""
PRODUCT = """
  // out = x · x' for as many rows as columns are used; the block that is used over and over is packed first.
  typedef float lanes __attribute__((vector_size(32)));
  static lanes packed[64 * 4];
  for (int64_t block = 0; block < cols; block += 32) {
    for (int64_t k = 0; k < 64; ++k) std::memcpy(packed + k * 4, x + k * stride + block, sizeof(lanes) * 4);
    for (int64_t row = 0; row < rows; ++row) {
      lanes a = {0}, b = {0}, c = {0}, d = {0};
      for (int64_t k = 0; k < 64; ++k) {
        const float by = x[row * stride + k];
        a += by * packed[k * 4], b += by * packed[k * 4 + 1], c += by * packed[k * 4 + 2], d += by * packed[k * 4 + 3];
      }
      // One by one: as an array the sums would live on the stack, and be loaded and stored in every step.
      float* to = out + row * cols + block;
      std::memcpy(to, &a, 32), std::memcpy(to + 8, &b, 32), std::memcpy(to + 16, &c, 32), std::memcpy(to + 24, &d, 32);
    }
  }
}
"""
"""A matrix product, of 64 rows."""
HOG = """
  typedef float lanes __attribute__((vector_size(32)));
  constexpr int LIVE = 48;
  for (int64_t i = 0; i + LIVE * 8 <= rows * cols; i += LIVE * 8) {
    lanes held[LIVE];
#pragma GCC unroll 48
    for (int place = 0; place < LIVE; ++place) std::memcpy(&held[place], x + i + 8 * place, 32);
    for (int step = 0; step < 32; ++step) {
#pragma GCC unroll 48
      for (int place = 0; place < LIVE; ++place) held[place] = held[place] * weight[place] + held[(place + 7) % LIVE];
    }
#pragma GCC unroll 48
    for (int place = 0; place < LIVE; ++place) std::memcpy(out + i + 8 * place, &held[place], 32);
  }
}
"""
"""48 vectors that are alive at the same time, where a processor has 16 or 32 registers."""
THREADS = """
  for (int64_t row = 0; row < rows; ++row)
    std::thread([=] { std::memcpy(out + row * cols, x + row * stride, cols * sizeof(float)); }).join();
}
"""
"""Starts a thread for each row, and waits for it."""
REGIONS = """
  for (int64_t row = 0; row < rows; ++row) {
#pragma omp parallel for num_threads(2)
    for (int64_t half = 0; half < 2; ++half)
      std::memcpy(out + row * cols + half * 8, x + row * stride + half * 8, 8 * sizeof(float));
  }
}
"""
"""A parallel region for each row, for sixteen elements of work."""


def kernel(body: str) -> KernelSource:
    """A source as the renderer makes one."""
    flags = (*FLAGS, CONTRACTED, "-mprefer-vector-width=256")
    return KernelSource("rms_norm", "float32", {}, f"{PRELUDE}{ENTRY}{body}// g++ {' '.join(flags)}\n", flags)
