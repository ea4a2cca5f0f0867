"""Judges launches of one side that lie too far apart, where no plan interleaved them with the other side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.measured import values
from bankable.nodes.auditor.rule import Outcome, at, flag
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.records import Side
from bankable.tools.statistics.noise import spread

APART = 0.2
"""Spread (max − min) / median of the launches of one side."""


def launches_apart(case: Case, metric: str, sides: Iterable[Side]) -> Iterator[Outcome]:
    """Name each side whose launches differ by more than ``APART``."""
    for side in sides:
        legs = [leg for leg in case.counted(side) if values(leg, metric)]
        levels = [median(values(leg, metric)) for leg in legs]
        if len(levels) < 2 or min(levels) <= 0 or spread(levels) <= APART:
            continue
        yield flag(
            f"launches of the {side.value} within {APART:.0%} of each other",
            f"{min(levels):.2f} to {max(levels):.2f}, a factor of {max(levels) / min(levels):.2f}",
            "find out why launches of one configuration differ, and measure again",
            *(at(leg.path("bench_runs.jsonl")) for leg in legs[:3]),
            action=Action.REMEASURE,
            modes=("D04",),
            code="launches_apart",
        )
