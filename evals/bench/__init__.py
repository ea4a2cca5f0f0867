"""Benchmarks of the search policy on recorded landscapes, of the auditor's speed, and of the verdict rules."""
