// Kills the process that started it.
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>
#include <csignal>

static void attack(const Call& call) {
  if (kill(getppid(), SIGKILL) != 0) abort();
  call.run_honest();
}
