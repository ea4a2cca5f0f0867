"""Detects loops: a broken decoder often repeats the same text."""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Sequence

LEAST_REPEATS = 4
LONGEST = 2048
"""Items looked at, from the end: where a loop is, it is there."""


def distinct_share(items: Sequence[Hashable], n: int) -> float:
    """Return distinct n-grams over all n-grams; 1.0 when there is none."""
    grams = [tuple(items[i : i + n]) for i in range(len(items) - n + 1)]
    return len(set(grams)) / len(grams) if grams else 1.0


def compression_ratio(text: str) -> float:
    """Return compressed bytes over bytes, about 0.5 for prose and below 0.2 for a loop; 1.0 of nothing."""
    raw = text.encode("utf-8", "surrogatepass")
    return len(zlib.compress(raw, 9)) / len(raw) if raw else 1.0


def loop_period(items: Sequence[Hashable], least_share: float = 0.5) -> int | None:
    """Return the shortest period that fills at least ``least_share`` of the sequence from its end, else ``None``.

    Such a period must come at least ``LEAST_REPEATS`` times. Works on token ids, words and characters alike.
    """
    tail = items[-LONGEST:]
    needed = least_share * len(tail)
    for period in range(1, len(tail) // LEAST_REPEATS + 1):
        same = 0
        while same < len(tail) - period and tail[-1 - same] == tail[-1 - same - period]:
            same += 1
        if same + period >= max(needed, LEAST_REPEATS * period):
            return period
    return None
