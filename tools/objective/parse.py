"""Reads the objective of a run from its options: ``--objective``, ``--guard``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import get_args

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import GOODPUT, REQUEST_SPEED, Guard, GuardedFigure, Limit
from bankable.tools.slo import SLO_FIX

OBJECTIVES = {"throughput": "output_throughput", "goodput": GOODPUT, "latency": REQUEST_SPEED}
"""Deciding figure of each objective, by the word for it."""
FIGURES: tuple[GuardedFigure, ...] = get_args(GuardedFigure)
SHORT: dict[str, GuardedFigure] = {
    "throughput": "output_throughput",
    "requests": "request_throughput",
    **{name.removesuffix("_ms"): name for name in FIGURES},
    **{name.removeprefix("median_").removesuffix("_ms"): name for name in FIGURES if name.startswith("median_")},
    **{name: name for name in FIGURES},
}
"""Guarded figures by each name that a user may write; a latency without a statistic is its median."""
GUARD_FIX = "write a guard as median_tpot=+5% (may rise by 5 %) or throughput=-2% (may fall by 2 %)"
_GUARD = re.compile(r"(?P<name>[a-z0-9_]+)\s*=\s*(?P<sign>[+-]?)(?P<value>\d+(?:\.\d+)?)\s*%")


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
