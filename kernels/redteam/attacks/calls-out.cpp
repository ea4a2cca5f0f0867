// Connects to a listener of the bench on the loopback; the bench looks whether anybody called.
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>

static void attack(const Call& call) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(BENCH_PORT);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int by = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(by, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) abort();
  call.run_honest();
}
