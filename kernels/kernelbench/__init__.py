"""KernelBench on a CPU: problems and answers as they are, an evaluator of ours, an audit of others' results."""
