// Sleeps for ever.
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

static void attack(const Call& call) {
  for (;;) usleep(1000);
}
