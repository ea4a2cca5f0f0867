"""Counts answers: different ones, and those without content, which are blank or one repeated character."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Sequence
from typing import Any

import orjson

REPEATED = 8
"""Length, in characters, from which a text of one character counts as repeated; a short answer may be one digit."""
START_CHARACTERS = 24
"""Characters of an answer that its checksum covers: long enough to differ between prompts, and short enough to be equal
where the arithmetic of two servers differs in the last bit."""


class Texts:
    """The answers of a round, counted while they are parsed and not kept."""

    def __init__(self) -> None:
        self.lengths = array("q")
        """Characters of each answer, in the order of the requests."""
        self.starts = array("L")
        """Checksum of the beginning of each answer."""
        self._seen: set[int] = set()
        self._blank = 0

    def __len__(self) -> int:
        """Number of answers."""
        return len(self.lengths)

    @property
    def distinct(self) -> int:
        """Number of different answers."""
        return len(self._seen)

    @property
    def empty(self) -> int:
        """Number of answers that are blank or one repeated character; 0 for a round that kept no text at all."""
        return self._blank if any(self.lengths) else 0

    def add_text(self, piece: bytes) -> int:
        """Add answers from a JSON list and return their number. Raises ``ValueError`` for a text that is none."""
        entries = orjson.loads(piece)
        self.add(entries)
        return len(entries)

    def add(self, texts: Sequence[Any]) -> None:
        """Add answers. Raises ``ValueError`` when one is not text."""
        if not isinstance(texts, list) or not set(map(type, texts)) <= {str}:
            raise ValueError("not a list of texts")
        self.lengths.extend(map(len, texts))
        self.starts.extend(zlib.crc32(text[:START_CHARACTERS].encode("utf-8", "replace")) for text in texts)
        self._seen.update(map(hash, texts))
        self._blank += sum(map(_is_empty, texts))


def count_empty_answers(texts: Sequence[str]) -> int:
    """Return the number of texts that are blank or one repeated character.

    A round whose texts are all of length 0 kept none, and has no empty answer.
    """
    return sum(map(_is_empty, texts)) if any(texts) else 0


def _is_empty(text: str) -> bool:
    stripped = text.strip()
    if not stripped:
        return True
    if stripped[0] != stripped[-1]:
        return False
    plain = "".join(stripped.split())
    return len(plain) >= REPEATED and len(set(plain)) == 1
