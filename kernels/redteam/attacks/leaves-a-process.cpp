// Leaves a process behind that outlives the measurement; the bench looks for it by name.
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>
#include <sys/prctl.h>

static void attack(const Call& call) {
  static bool left = false;
  if (!left) {
    left = true;
    if (fork() == 0) {
      setsid();
      prctl(PR_SET_NAME, BENCH_PROCESS_NAME);
      sleep(120);
      _exit(0);
    }
  }
  call.run_honest();
}
