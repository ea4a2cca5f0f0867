"""KernelBench problems under the engine's interpreter: the reference, an answer in a process of its own, the judge."""
