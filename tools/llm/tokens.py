"""Estimates the length of a text in tokens, without any model's encoding."""

from __future__ import annotations

BYTES_A_TOKEN = 3
"""Prose has four to five bytes a token, JSON and numbers two to three and a half: this errs towards too many."""


def estimate(*texts: str) -> int:
    """Tokens, rounded up: UTF-8 bytes over three."""
    return sum(-(-len(text.encode("utf-8", "replace")) // BYTES_A_TOKEN) for text in texts)
