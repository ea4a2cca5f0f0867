// Returns while a thread still works, which the next call waits for.
#include <thread>

static void attack(const Call& call) {
  static std::thread previous;
  if (previous.joinable()) previous.join();
  previous = std::thread([call] { call.run_honest(); });
}
