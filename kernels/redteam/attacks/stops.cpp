// Stops its process, as a debugger does.
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>
#include <csignal>

static void attack(const Call& call) {
  raise(SIGSTOP);
  call.run_honest();
}
