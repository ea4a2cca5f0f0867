"""Servers: starting, loading, probing and stopping them, live or replayed."""
