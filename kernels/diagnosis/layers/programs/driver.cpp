// Calls a compiled kernel without Python:  driver KERNEL.so CALL.txt CALLS
//
// CALL.txt says what it is called with, see engine_side/arguments.py. The kernel's own parameters are not known here:
// integers and pointers go into one class of registers and then on the stack, floats into another, each in order. So
// one function type with enough of both fits all kernels, on x86-64 and on 64-bit Arm under Linux.

#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

static constexpr int MOST = 24, MOST_REALS = 8, MOST_BLOCKS = 32;

#define INTS int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t
#define REALS float, float, float, float, float, float, float, float
using Kernel = void (*)(INTS, INTS, INTS, REALS);

static void* filled(size_t bytes, const char* name) {
  void* block = std::aligned_alloc(64, (bytes + 127) / 64 * 64);
  if (block == nullptr) return nullptr;
  std::memset(block, 0, bytes);
  if (std::strcmp(name, "-") == 0) return block;
  FILE* file = std::fopen(name, "rb");
  if (file == nullptr || std::fread(block, 1, bytes, file) != bytes) return nullptr;
  std::fclose(file);
  return block;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  void* library = dlopen(argv[1], RTLD_NOW);
  if (library == nullptr) { std::fprintf(stderr, "%s\n", dlerror()); return 3; }
  const Kernel run = reinterpret_cast<Kernel>(dlsym(library, "bankable_run"));
  FILE* call = std::fopen(argv[2], "r");
  if (run == nullptr || call == nullptr) return 4;
  void* blocks[MOST_BLOCKS];
  int64_t i[MOST] = {0};
  float f[MOST_REALS] = {0};
  int ints = 0, reals = 0, made = 0;
  char line[512], name[256];
  long long first = 0, second = 0;
  while (std::fgets(line, sizeof line, call) != nullptr) {
    if (std::sscanf(line, "b %lld %255s", &first, name) == 2 && made < MOST_BLOCKS) {
      if ((blocks[made++] = filled(size_t(first), name)) == nullptr) return 5;
    } else if (std::sscanf(line, "p %lld %lld", &first, &second) == 2 && first < made && ints < MOST) {
      i[ints++] = reinterpret_cast<int64_t>(static_cast<char*>(blocks[first]) + second);
    } else if (std::sscanf(line, "i %lld", &first) == 1 && ints < MOST) {
      i[ints++] = first;
    } else if (line[0] == 'f' && reals < MOST_REALS) {
      f[reals++] = std::strtof(line + 1, nullptr);
    } else {
      return 6;
    }
  }
  std::fclose(call);
  for (long left = std::atol(argv[3]); left > 0; --left)
    run(i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], i[8], i[9], i[10], i[11], i[12], i[13], i[14], i[15], i[16],
        i[17], i[18], i[19], i[20], i[21], i[22], i[23], f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]);
  return 0;
}
