// Loads another library at run time.
#include <dlfcn.h>

static void attack(const Call& call) {
  dlopen("libc.so.6", 1);
  call.run_honest();
}
