"""Rotary embedding of queries and keys: pairs of elements turn by the angle of the token's position."""
