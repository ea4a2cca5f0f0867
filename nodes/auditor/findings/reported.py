"""Compares reported figures with those of raw records. Tolerances cover differences in definition only."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bankable.nodes.auditor.measured import leg_figure
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import Found, at, fail
from bankable.nodes.auditor.verdict import Action, Evidence

RATE, LATENCY, TPOT = 0.001, 0.02, 0.05
SMALLEST_MS = 0.05


def record_findings(leg: LegView) -> Iterator[Found]:
    """Figures of each round's record, and of its summaries, compared with finer records of the same launch."""
    file = leg.path("bench_runs.jsonl")
    for row in leg.rows:
        for name, true in row.raw.items():
            claimed = row.reported.get(name)
            if claimed is not None and not agrees(name, claimed, true):
                yield wrong(f"{name} = {true:.4f} from its requests", f"{name} = {claimed:.4f}", at(file, row.line))
        for check in row.checks:
            if not agrees(check.name, check.reported, check.true):
                expected, observed = f"{check.name} = {check.true:.4f}", f"{check.name} = {check.reported:.4f}"
                yield wrong(expected, observed, at(file, row.line))
    for summary, figures in leg.summaries:
        for name, claimed in figures.items():
            measured = leg_figure((leg,), name)
            if measured is not None and not agrees(name, claimed, measured):
                yield wrong(f"{name} = {measured:.4f}", f"{name} = {claimed:.4f}", at(summary))


def agrees(name: str, claimed: float, true: float) -> bool:
    """Say whether a reported figure is the recomputed one, within the tolerance of its kind."""
    if name.endswith("_throughput"):
        return math.isclose(claimed, true, rel_tol=RATE, abs_tol=1e-9)
    return math.isclose(claimed, true, rel_tol=TPOT if "tpot" in name else LATENCY, abs_tol=SMALLEST_MS)


def wrong(expected: str, observed: str, where: Evidence) -> Found:
    """A finding for a reported number that raw records contradict."""
    return fail(
        expected,
        observed,
        "report what the per-request records give, with the definitions of the benchmark",
        where,
        action=Action.REDO,
        modes=("D14", "R01"),
        code="reported_differs",
    )
