// Drops the low bits of every value: a coarser type than the task's.

static void attack(const Call& call) {
  call.run_honest();
  for (const Output& out : call.outputs())
    for (int64_t i = 0; i < out.size; ++i) {
      elem value = out.data[i];
      uint8_t bytes[sizeof(elem)];
      std::memcpy(bytes, &value, sizeof value);
      bytes[0] &= 0xf8;
      if (sizeof value > 2) bytes[1] = 0;
      std::memcpy(&value, bytes, sizeof value);
      out.data[i] = value;
    }
}
