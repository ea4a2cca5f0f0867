"""Judgments that our own evidence and somebody else's files share; rules ask for them."""
