"""flashinfer-bench's Definition, Workload, Solution and Trace: written from operator benchmarks, read, and audited."""
