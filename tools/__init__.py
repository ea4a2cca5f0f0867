"""The hands of the project: evidence, serving, measurement, statistics, search. Imports nothing above it."""
