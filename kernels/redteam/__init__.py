"""The red-team bench: hostile and honest candidates through the real harness; counts misses and false accusations."""
