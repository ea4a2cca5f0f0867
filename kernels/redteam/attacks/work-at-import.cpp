// Works for a while when the library is loaded, before any clock runs.
struct Early {
  Early() {
    for (volatile int64_t i = 0; i < 150000000; ++i) {
    }
  }
};
static Early early;

static void attack(const Call& call) {
  call.run_honest();
}
