"""Profiles of a serving window: reads torch-profiler traces and sums the time by operator and phase."""
