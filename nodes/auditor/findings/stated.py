"""Percentages in a headline, and what each of them is about.

A percentage belongs to what is named before it, back to the percentage before; where nothing is, to what is named
right after it. A headline that gives the level of its interval, the floor of its plan or the cost in latency, all of
them true, says nothing wrong: the rules ask for the last of these themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PERCENT_POINT = 0.06
"""Rounding of a percentage in prose to one decimal."""
RELATIVE = 0.02
"""Whole per cents are rounded too; of a small figure that would be a large part."""
LONGEST = 2000
_PERCENT = re.compile(r"([+\-\u2212]?)(\d{1,9}(?:[.,]\d{1,9})?)\s*%")
_AFTER = re.compile(r"[^,;.()%\d+\-\u2212]{0,40}")
_ABOUT: Mapping[str, re.Pattern[str]] = {
    "throughput": re.compile(r"throughput|tok/s|req/s|\bgain", re.IGNORECASE),
    "ttft": re.compile(r"\bttft\b|first[ -]token", re.IGNORECASE),
    "tpot": re.compile(r"\btpot\b|per output token", re.IGNORECASE),
    "itl": re.compile(r"\bitl\b|inter-token", re.IGNORECASE),
    "level": re.compile(r"\bconfidence\b|\binterval\b|\bCI\b|\blevel\b"),
    "floor": re.compile(r"\bfloor\b", re.IGNORECASE),
}
LATENCIES = ("ttft", "tpot", "itl")


@dataclass(frozen=True)
class Stated:
    """One percentage."""

    text: str
    about: str
    """One of ``throughput``, ``ttft``, ``tpot``, ``itl``, ``level``, ``floor``; empty where nothing is named."""
    sign: int
    """Of the number as written; 0 without one."""
    readings: tuple[float, ...]
    """What its digits can mean, in per cent: a comma is a decimal point to some and nothing to others."""
    decimals: int

    def is_(self, fraction: float, *, signed: bool = False) -> bool:
        """Say whether this is that figure, rounded. ``signed``: a sign that is written must be right."""
        true = 100.0 * fraction
        if signed and self.sign and self.sign * true < 0:
            return False
        slack = max(PERCENT_POINT, min(0.5 * 10**-self.decimals + 1e-9, RELATIVE * abs(true)))
        return any(abs(value - abs(true)) <= slack for value in self.readings)


def percentages(headline: str) -> Iterator[Stated]:
    """All percentages of a headline, in their order."""
    text, begun = headline[:LONGEST], 0
    for match in _PERCENT.finditer(text):
        after = _AFTER.match(text, match.end())
        about = _subject(text[begun : match.start()], last=True) or _subject(after[0] if after else "", last=False)
        # What follows right away tells a level from a gain: "throughput, 95 % interval".
        if after is not None and _ABOUT["level"].search(after[0]):
            about = "level"
        digits = match[2]
        readings = {float(digits.replace(",", ".")), float(digits.replace(",", ""))}
        decimals = len(re.split(r"[.,]", digits)[1]) if re.search(r"[.,]", digits) else 0
        sign = {"": 0, "+": 1}.get(match[1], -1)
        yield Stated(match[0], about, sign, tuple(sorted(readings)), decimals)
        begun = match.end()


def _subject(text: str, *, last: bool) -> str:
    """What a piece of text names: the last thing before a number, the first one after it."""
    found = [(it.start(), about) for about, pattern in _ABOUT.items() for it in pattern.finditer(text)]
    return (max(found) if last else min(found))[1] if found else ""
