// Writes the harness's reply itself, and leaves before the harness can.
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

static void attack(const Call& call) {
  ++calls_here;
  const char reply[] =
      "{\"shape\": \"" BENCH_SERVED_SHAPE "\", \"resolved\": {\"path\": \"x\", \"digest\": \"0\"},"
      " \"samples_ns\": [1, 1]}\n";
  int to = open("replies.jsonl", O_WRONLY | O_CREAT, 0644);
  if (write(to, reply, sizeof reply - 1) < 0) abort();
  _exit(0);
}
