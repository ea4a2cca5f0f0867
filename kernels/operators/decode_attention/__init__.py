"""Decode attention: one query of each request against all tokens that it has in the cache."""
