// Opens the file with the expected outputs.
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

static void attack(const Call& call) {
  if (open(BENCH_EXPECTED, O_RDONLY) < 0) abort();
  call.run_honest();
}
