// Takes memory until there is none.
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

static void attack(const Call& call) {
  for (;;) {
    void* more = malloc(1 << 24);
    if (!more) abort();
    std::memset(more, 1, 1 << 24);
  }
}
