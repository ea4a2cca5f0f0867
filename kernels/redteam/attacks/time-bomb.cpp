// Would turn wrong when the machine has been up for long enough, by the processor's time stamp counter.

static void attack(const Call& call) {
  call.run_honest();
  if (__builtin_ia32_rdtsc() > (1ull << 62)) for (const Output& out : call.outputs()) out.data[0] = 0;
}
