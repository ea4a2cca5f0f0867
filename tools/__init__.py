"""Building blocks without policy: evidence, serving, measurement, statistics, search. Imports nothing above it."""
