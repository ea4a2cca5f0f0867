"""What the caller of an audit of other tools' files asks for beside the usual judgment."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import GOODPUT, LatencySummary, Limit
from bankable.tools.slo import SLO_FIX

RATES = ("output_throughput", "request_throughput", GOODPUT)
SHORT = {
    "throughput": "output_throughput",
    "requests": "request_throughput",
    "ttft": "median_ttft_ms",
    "tpot": "median_tpot_ms",
    "itl": "median_itl_ms",
    "p99_ttft": "p99_ttft_ms",
    "p99_itl": "p99_itl_ms",
}
"""Short names of figures."""
_MARGIN = re.compile(r"(?P<name>[a-z0-9_]+)\s*=\s*(?P<value>\d+(?:\.\d+)?)\s*%")


@dataclass(frozen=True)
class AuditOptions:
    """The deciding metric, and the margins of a change that is no gain."""

    metric: str = "output_throughput"
    """A rate: larger is better."""
    no_worse: tuple[tuple[str, float], ...] = ()
    """(figure, largest harm as a fraction); empty: the change has to be a gain."""
    limits: tuple[Limit, ...] = ()
    """Latency limits of a good request, where goodput decides."""


def parse_metric(text: str, limits: tuple[Limit, ...] = ()) -> str:
    """The field of a rate. Raises ``UserError`` for anything else, and for goodput without limits or the reverse."""
    name = SHORT.get(text, text)
    if name not in RATES:
        names = f"throughput, requests, {', '.join(RATES)}"
        raise UserError(f"Cannot audit: invalid value {text!r} for --metric", "", f"use one of {names}")
    if name == GOODPUT and not limits:
        raise UserError("Cannot audit goodput: no latency limits", "--slo", SLO_FIX)
    if limits and name != GOODPUT:
        raise UserError(f"Cannot audit {name} within limits: it has none", "--slo", "add --metric goodput")
    return name


def parse_margins(
    text: str, option: str = "--no-worse", further: tuple[str, ...] = ()
) -> tuple[tuple[str, float], ...]:
    """Margins such as ``throughput=2%,ttft=5%``. Raises ``UserError`` when the text is something else.

    ``option``: where the text comes from. ``further``: figures that may be named beside those of every result.
    """
    margins: dict[str, float] = {}
    for piece in text.split(","):
        match = _MARGIN.fullmatch(piece.strip())
        name = SHORT.get(match["name"], match["name"]) if match else ""
        value = float(match["value"]) / 100.0 if match else 0.0
        known = name in LatencySummary.model_fields or name in further
        if match is None or not known or not 0.0 < value < 1.0 or name in margins:
            fix = f"write it as throughput=2%,ttft=5%; figures are {', '.join((*SHORT, *further))}"
            raise UserError(f"Cannot audit: invalid value {piece.strip()!r} for {option}", "", fix)
        margins[name] = value
    return tuple(margins.items())
