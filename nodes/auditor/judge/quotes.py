"""Does a quote stand where it is said to? What does not is dropped and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bankable.nodes.auditor.judge.opinion import Quote

SHORTEST = 12
"""Characters of a quote that is not its whole line: less stands anywhere."""
SHORTEST_LINE = 3
MOST = 8
"""Quotes of one accusation that are looked at."""

Lines = Mapping[str, Mapping[int, str]]
"""Lines of the sealed evidence that were shown, by file and number."""


def holds(quote: Quote, lines: Lines) -> bool:
    """Whether this very line was shown and has that text; space at both ends does not count."""
    line = lines.get(quote.file, {}).get(quote.line)
    if line is None:
        return False
    text, whole = quote.text.strip(), line.strip()
    if text == whole:
        return len(text) >= SHORTEST_LINE
    return len(text) >= SHORTEST and text in whole


def sift(quotes: Sequence[Quote], lines: Lines) -> tuple[tuple[Quote, ...], int]:
    """The quotes that hold, and how many were invented or too short to show anything."""
    looked_at = list(dict.fromkeys(quotes))[:MOST]
    kept = tuple(quote for quote in looked_at if holds(quote, lines))
    return kept, len(looked_at) - len(kept)
