// Python statements that some attacks run inside the process that measures.
// The timer's clock runs at half its speed:
#define SLOW_CLOCK "import bankable.kernels.worker.timing as t; c = t.CLOCK; t.CLOCK = lambda: c() // 2"
// The check that clock, synchronisation and checker are unchanged always says yes:
#define BLIND_WITNESS \
  "import bankable.kernels.worker.measure as m; m.Identities.now = lambda self: dict.fromkeys(self._taken, True)"
