"""Hostile and honest candidates through the real harness: what is caught, missed, and wrongly accused."""
