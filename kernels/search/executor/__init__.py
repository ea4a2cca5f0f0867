"""Executors that evaluate candidates: on this machine by default, on a Ray cluster on request."""
