"""Verifies quotes against the lines that were shown; quotes that do not match are dropped and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bankable.nodes.auditor.judge.opinion import Quote

SHORTEST = 12
"""Fewest characters of a quote that is not a whole line; a shorter text occurs in too many lines."""
SHORTEST_LINE = 3
"""Fewest characters of a quote that is a whole line."""
MOST = 8
"""Quotes of one accusation that are considered."""

Lines = Mapping[str, Mapping[int, str]]
"""Lines of the sealed evidence that were shown, by file and number."""


def holds(quote: Quote, lines: Lines) -> bool:
    """Whether the quoted line was shown and has the quoted text, white space at both ends ignored."""
    line = lines.get(quote.file, {}).get(quote.line)
    if line is None:
        return False
    text, whole = quote.text.strip(), line.strip()
    if text == whole:
        return len(text) >= SHORTEST_LINE
    return len(text) >= SHORTEST and text in whole


def sift(quotes: Sequence[Quote], lines: Lines) -> tuple[tuple[Quote, ...], int]:
    """The verified quotes, and the number of quotes that were invented or too short."""
    considered = list(dict.fromkeys(quotes))[:MOST]
    verified = tuple(quote for quote in considered if holds(quote, lines))
    return verified, len(considered) - len(verified)
