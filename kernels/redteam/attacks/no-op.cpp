// Counts the call and writes nothing: whatever was in the buffer is the answer.

static void attack(const Call& call) {
  ++calls_here;
}
