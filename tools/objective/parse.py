"""Reads the objective of a run from its options: ``--slo``, ``--objective``, ``--guard``."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import get_args

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import GOODPUT, REQUEST_SPEED, Guard, GuardedFigure, Limit, LimitedLatency

OBJECTIVES = {"throughput": "output_throughput", "goodput": GOODPUT, "latency": REQUEST_SPEED}
"""Deciding figure of each objective, by the word for it."""
LATENCIES: tuple[LimitedLatency, ...] = get_args(LimitedLatency)
FIGURES: tuple[GuardedFigure, ...] = get_args(GuardedFigure)
SHORT: dict[str, GuardedFigure] = {
    "throughput": "output_throughput",
    "requests": "request_throughput",
    **{name.removesuffix("_ms"): name for name in FIGURES},
    **{name.removeprefix("median_").removesuffix("_ms"): name for name in FIGURES if name.startswith("median_")},
    **{name: name for name in FIGURES},
}
"""Guarded figures by each name that a user may write; a latency without a statistic is its median."""
LARGEST_MS = 1e9
SLO_FIX = "write limits in milliseconds as ttft=500,tpot=20,e2e=2000, or of a percentile as p99_ttft=500"
GUARD_FIX = "write a guard as median_tpot=+5% (may rise by 5 %) or throughput=-2% (may fall by 2 %)"
_LIMIT = re.compile(r"(?:(?P<statistic>mean|median|p\d{1,2}(?:\.\d{1,3})?)_)?(?P<metric>[a-z0-9]+)")
_GUARD = re.compile(r"(?P<name>[a-z0-9_]+)\s*=\s*(?P<sign>[+-]?)(?P<value>\d+(?:\.\d+)?)\s*%")


def parse_limits(text: str) -> tuple[Limit, ...]:
    """Limits such as ``ttft=500,tpot=20,p99_e2e=2000`` in milliseconds. Raises ``UserError`` for anything else."""
    limits: dict[str, Limit] = {}
    for piece in text.split(","):
        limit = _parse_limit(piece.strip())
        if limit.key in limits:
            raise UserError(f"invalid value {text!r} for --slo", "", f"give one limit for {limit.key}")
        limits[limit.key] = limit
    return tuple(limits.values())


def _parse_limit(piece: str) -> Limit:
    name, _, value = (part.strip() for part in piece.partition("="))
    match = _LIMIT.fullmatch(name)
    metric = next((known for known in LATENCIES if match and match["metric"] in (known, f"{known}l")), None)
    if match is None or metric is None or (match["metric"] == f"{metric}l" and metric != "e2e"):
        raise UserError(f"invalid value {piece!r} for --slo", "", f"{SLO_FIX}; latencies are {', '.join(LATENCIES)}")
    statistic = match["statistic"] or "request"
    try:
        ms = float(value.removesuffix("ms"))
    except ValueError:
        ms = math.nan
    if not 0.0 < ms <= LARGEST_MS:
        raise UserError(f"invalid value {piece!r} for --slo", "", SLO_FIX)
    return Limit(metric=metric, statistic="p50" if statistic == "median" else statistic, ms=ms)


def parse_guards(texts: Sequence[str]) -> tuple[Guard, ...]:
    """Guards such as ``median_tpot=+5%``, several in one text or one each. Raises ``UserError`` for anything else."""
    guards: dict[str, Guard] = {}
    for piece in (piece.strip() for text in texts for piece in text.split(",")):
        match = _GUARD.fullmatch(piece)
        metric = SHORT.get(match["name"]) if match else None
        if match is None or metric is None:
            names = ", ".join(name.removesuffix("_ms") for name in FIGURES)
            raise UserError(f"invalid value {piece!r} for --guard", "", f"{GUARD_FIX}; figures are {names}")
        margin, rate = float(match["value"]) / 100.0, not metric.endswith("_ms")
        harmless = match["sign"] == ("+" if rate else "-")
        if harmless or not 0.0 < margin < (1.0 if rate else 10.0):
            raise UserError(f"invalid value {piece!r} for --guard", "", GUARD_FIX)
        if metric in guards:
            raise UserError(f"invalid value {piece!r} for --guard", "", f"give one guard for {match['name']}")
        guards[metric] = Guard(metric=metric, margin=margin)
    return tuple(guards.values())


def check_objective(objective: str | None, limits: Sequence[Limit], guards: Sequence[Guard]) -> str:
    """The objective in one word: as asked for, else goodput where there are limits, else throughput.

    Raises ``UserError`` for an unknown word, and for a goodput without limits.
    """
    word = objective or (GOODPUT if limits else "throughput")
    if word not in OBJECTIVES:
        raise UserError(f"invalid value {word!r} for --objective", "", f"use one of {', '.join(OBJECTIVES)}")
    if not limits and (word == GOODPUT or any(guard.metric == GOODPUT for guard in guards)):
        raise UserError("Cannot measure goodput: no latency limits", "--slo", SLO_FIX)
    if any(guard.metric == OBJECTIVES[word] for guard in guards):
        raise UserError(f"Cannot guard {OBJECTIVES[word]}: it is the objective", "--guard", "guard another figure")
    return word
