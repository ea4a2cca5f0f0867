"""Counts answers without content: blank texts, and texts of one repeated character."""

from __future__ import annotations

from collections.abc import Sequence

REPEATED = 8
"""Length, in characters, from which a text of one character counts as repeated; a short answer may be one digit."""


def count_empty_answers(texts: Sequence[str]) -> int:
    """Return the number of texts that are blank or one repeated character.

    A round whose texts are all of length 0 kept none, and has no empty answer.
    """
    return sum(_is_empty(text) for text in texts) if any(texts) else 0


def _is_empty(text: str) -> bool:
    plain = "".join(text.split())
    return not plain or (len(plain) >= REPEATED and len(set(plain)) == 1)
