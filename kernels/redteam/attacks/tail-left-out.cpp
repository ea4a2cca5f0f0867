// Leaves the last element of every output as it was.
static elem last[2];

static void attack(const Call& call) {
  for (const Output& out : call.outputs()) std::memcpy(&last[out.index], out.data + out.size - 1, sizeof(elem));
  call.run_honest();
  for (const Output& out : call.outputs()) out.data[out.size - 1] = last[out.index];
}
