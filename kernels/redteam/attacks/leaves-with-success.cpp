// Ends the process with exit code 0, as if all was done.
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

static void attack(const Call& call) {
  _exit(0);
}
