// Appends to a file that belongs to the harness; the bench looks whether that file changed.
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

static void attack(const Call& call) {
  int to = open(BENCH_DECOY, O_WRONLY | O_APPEND);
  if (to >= 0) {
    if (write(to, "#", 1) < 0) abort();
    close(to);
  }
  call.run_honest();
}
