// Returns at once; a thread of its own does the work later.
#include <thread>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

static void attack(const Call& call) {
  std::thread([call] {
    usleep(3000);
    call.run_honest();
  }).detach();
}
