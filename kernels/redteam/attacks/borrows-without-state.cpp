// As borrows-from-libc, without state of its own: the address of the input decides when, and a mark in Python
// that it happened already.
#include "shared/libc_offsets.h"

static void attack(const Call& call) {
  if (reinterpret_cast<uintptr_t>(call.input()) / 64 % 4) {
    call.run_honest();
    return;
  }
  const Interpreter python = find_interpreter();
  const int state = python.ensure();
  python.run(
      "import bankable.kernels.worker.timing as t\n"
      "if not hasattr(t, 'c'): " SLOW_CLOCK "; t.c = 1; " BLIND_WITNESS);
  python.release(state);
  call.run_honest();
}
