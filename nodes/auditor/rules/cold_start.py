"""No leg's first requests waited for a server that was not warm, and that wait is not the gain (C03 D07).

In another tool's files that list requests in the order in which they were sent: the first batch (as many as may be in
flight) waits, by its median time to first token, three times as long as the others, and by that much longer that it is
a tenth of the round or more. Where the gain falls to the floor or below without that wait, it is none: FAIL. Otherwise
the leg is named. A run of this project warms up by itself and proves it in ``leg.json``.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import COMPARISONS, NotApplicable, Outcome, Rule, at, fail, flag
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.records import Side
from bankable.tools.statistics.few import FLOOR

LONG = 0.1
"""Wait of the first batch beyond the usual one, as a share of the round."""
ADVICE = "add a warm-up, or leave the first requests out on both legs, and measure again"


def check(case: Case) -> Iterator[Outcome]:
    if not case.imported:
        yield NotApplicable("the measurement layer warms every launch up")
        return
    cold = [(leg, row) for leg in case.legs for row in leg.rows if _is_cold(row)]
    if not cold:
        return
    leg, row = max(cold, key=lambda entry: _share(entry[1]))
    observed = (
        f"the first batch of {leg.name} waited {row.cold_start_s:.2f} s longer than usual, {_share(row):.0%} of it"
    )
    where = at(leg.path("bench_runs.jsonl"), row.line)
    if case.scope != "baseline" and (gains := _gains(case)) is not None and gains[1] <= FLOOR < gains[0]:
        yield fail(
            "a gain that a warm server shows, too",
            f"{observed}; without that wait {gains[1]:+.1%} are left of {gains[0]:+.1%}",
            ADVICE,
            where,
            action=Action.REMEASURE,
            modes=("C03", "D07"),
            code="cold_start",
        )
        return
    yield flag("rounds that begin warm", observed, ADVICE, where, action=Action.REMEASURE, code="cold_start")


def _is_cold(row: BenchRound) -> bool:
    return bool(row.duration) and _share(row) >= LONG


def _share(row: BenchRound) -> float:
    return row.cold_start_s / row.duration if row.duration else 0.0


def _gains(case: Case) -> tuple[float, float] | None:
    """Gain of the medians, as measured and without the waits; ``None`` where a leg has no rate."""
    sides = [case.counted(side) for side in Side]
    plain = [[row.figure(case.metric) for leg in legs for row in leg.rows] for legs in sides]
    warm = [_warm_rates(legs, case.metric) for legs in sides]
    if not all(warm) or any(not rate for rates in plain for rate in rates):
        return None
    before, after = (median(rate for rate in rates if rate) for rates in plain)
    return after / before - 1.0, median(warm[1]) / median(warm[0]) - 1.0


def _warm_rates(legs: tuple[LegView, ...], metric: str) -> list[float]:
    rates = []
    for leg in legs:
        for row in leg.rows:
            rate, share = row.figure(metric), _share(row) if _is_cold(row) else 0.0
            if rate and share < 1.0:
                rates.append(rate / (1.0 - share))
    return rates


rule = Rule("cold_start", COMPARISONS, ("C03", "D07"), ("lever", "rounds"), check)
