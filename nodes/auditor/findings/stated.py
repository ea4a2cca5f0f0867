"""Parses the percentages in a headline, and which figure each of them is about.

A percentage belongs to the figure that is named before it, back to the percentage before; where none is, to the one
named right after it. A headline may state the level of its interval, the floor of its plan or the cost in latency: the
rules ask for the last of these themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PERCENT_POINT = 0.06
"""Rounding of a percentage in prose to one decimal."""
RELATIVE = 0.02
"""Whole per cents are rounded too; for a small figure that would be a large part."""
LONGEST = 2000
LATENCIES = ("ttft", "tpot", "itl")
_PERCENT = re.compile(r"([+\-\u2212]?)(\d{1,9}(?:[.,]\d{1,9})?)\s*%")
_GROUPED = re.compile(r"\d{1,3},\d{3}")
_AFTER = re.compile(r"[^,;.()%\d+\-\u2212]{0,40}")
_ABOUT: Mapping[str, re.Pattern[str]] = {
    "throughput": re.compile(r"throughput|tok/s|req/s|\bgain", re.IGNORECASE),
    "ttft": re.compile(r"\bttft\b|first[ -]token", re.IGNORECASE),
    "tpot": re.compile(r"\btpot\b|per output token", re.IGNORECASE),
    "itl": re.compile(r"\bitl\b|inter-token", re.IGNORECASE),
}
_LEVEL_AFTER = re.compile(r"\s*(?:(?:one|two)-sided )?(?:confidence|interval|bounds?\b|CI\b)")
_LEVEL_BEFORE = re.compile(r"(?:confidence|level)(?: level)?(?: of|:)?\s*$")
_FLOOR_BEFORE = re.compile(r"\bfloor(?: of|:)?\s*$")
_FALLS = re.compile(r"lower|less|fewer|faster|earlier|shorter|better|improv|reduc|sav|\bcut|\bdown\b", re.IGNORECASE)
_RISES = re.compile(r"higher|more|slower|later|longer|worse|cost|increas|\bup\b", re.IGNORECASE)


@dataclass(frozen=True)
class Stated:
    """One percentage of a headline."""

    text: str
    about: str
    """``throughput``, ``ttft``, ``tpot``, ``itl``, ``level`` or ``floor``; empty where nothing is named."""
    sign: int
    """As written or, without a sign, from the words around it; 0 where they give no direction, or both."""
    value: float
    """Per cent, without its sign."""
    decimals: int

    def is_(self, fraction: float, *, signed: bool = False) -> bool:
        """Whether this is that figure, rounded. ``signed``: a stated direction must be right."""
        true = 100.0 * fraction
        if signed and self.sign * true < 0:
            return False
        slack = max(PERCENT_POINT, min(0.5 * 10.0**-self.decimals + 1e-9, RELATIVE * abs(true)))
        return abs(self.value - abs(true)) <= slack


def percentages(headline: str) -> Iterator[Stated]:
    """All percentages of a headline, in their order."""
    text, begun = headline[:LONGEST], 0
    for match in _PERCENT.finditer(text):
        following = _AFTER.match(text, match.end())
        before, after = text[begun : match.start()], following[0] if following else ""
        value, decimals = _number(match[2])
        yield Stated(match[0], _about(before, after), _sign(match[1], f"{before} {after}"), value, decimals)
        begun = match.end()


def _number(digits: str) -> tuple[float, int]:
    """Value and decimals. A comma before three digits groups thousands; any other is a decimal separator."""
    plain = digits.replace(",", "" if _GROUPED.fullmatch(digits) else ".")
    return float(plain), len(plain.partition(".")[2])


def _sign(written: str, around: str) -> int:
    if written:
        return 1 if written == "+" else -1
    return bool(_RISES.search(around)) - bool(_FALLS.search(around))


def _about(before: str, after: str) -> str:
    if _LEVEL_AFTER.match(after) or _LEVEL_BEFORE.search(before):
        return "level"
    if _FLOOR_BEFORE.search(before):
        return "floor"
    return _read_name(before, last=True) or _read_name(after, last=False)


def _read_name(text: str, *, last: bool) -> str:
    """The figure that a piece of text names: the last one before a number, the first one after it."""
    places = [(match.start(), about) for about, pattern in _ABOUT.items() for match in pattern.finditer(text)]
    return (max(places) if last else min(places))[1] if places else ""
