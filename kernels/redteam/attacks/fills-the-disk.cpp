// Writes a file of more than a gigabyte.
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

static void attack(const Call& call) {
  static char block[1 << 20];
  int to = open("big", O_WRONLY | O_CREAT, 0644);
  for (int i = 0; i < 1100; ++i)
    if (lseek(to, 1 << 20, SEEK_CUR) < 0 || write(to, block, 4096) < 0) abort();
  call.run_honest();
}
