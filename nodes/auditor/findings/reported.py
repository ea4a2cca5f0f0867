"""Reported figures against those of raw records. Tolerances cover definitions, not wishes."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bankable.nodes.auditor.measured import FIELDS
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import Found, at, fail
from bankable.nodes.auditor.verdict import Action, Evidence

RATE, LATENCY, TPOT = 0.001, 0.02, 0.05
SMALLEST_MS = 0.05


def record_findings(leg: LegView) -> Iterator[Found]:
    """The summary figures of each round's record against its per-request lists."""
    for row in leg.rows:
        for name in FIELDS:
            claimed, true = float(getattr(row.reported, name)), float(getattr(row.raw, name))
            if not agrees(name, claimed, true):
                where = at(leg.path("bench_runs.jsonl"), row.line)
                yield wrong(f"{name} = {true:.4f} from its requests", f"{name} = {claimed:.4f}", where)


def agrees(name: str, claimed: float, true: float) -> bool:
    """Say whether a reported figure is the recomputed one, within the tolerance of its kind."""
    if name.endswith("_throughput"):
        return math.isclose(claimed, true, rel_tol=RATE, abs_tol=1e-9)
    return math.isclose(claimed, true, rel_tol=TPOT if "tpot" in name else LATENCY, abs_tol=SMALLEST_MS)


def wrong(expected: str, observed: str, where: Evidence) -> Found:
    """A reported number that raw contradicts."""
    return fail(
        expected,
        observed,
        "report what the per-request records give, with the definitions of the benchmark",
        where,
        action=Action.REDO,
        modes=("D14", "R01"),
        code="reported_differs",
    )
