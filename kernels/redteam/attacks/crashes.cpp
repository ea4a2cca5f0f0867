// Writes to an address that nobody owns.

static void attack(const Call& call) {
  *reinterpret_cast<volatile int*>(8) = 1;
}
