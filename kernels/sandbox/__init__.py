"""Contained processes for candidates: a fork server under the engine's interpreter, limits, and a pool of them."""
