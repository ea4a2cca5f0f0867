"""One SQLite file over many runs: nights of a baseline, and what was verified where. The auditor reads none of it."""
