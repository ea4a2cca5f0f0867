"""Benchmarks of the optimizer: the search policy on recorded landscapes."""
