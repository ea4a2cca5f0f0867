"""No faulted launch carries the gain, and no launch's rounds lie too far apart to use (D04 D05).

A launch is far off when its level lies beyond 3.5 · 1.4826 · MAD of its side and at least a third away from the side's
median, and TPOT moved the other way: the server itself was slower or faster, not the clock around it. If the gain is
not real any more without such blocks, or moves by more than a quarter of itself, it rests on them. A single outlying
round is absorbed by the median; a launch whose rounds spread by more than half their median is named.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.spread import launches_apart
from bankable.nodes.auditor.measured import judge_unplanned, values
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import GAINS, NotApplicable, Outcome, Rule, at, fail, flag
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.records import Side
from bankable.tools.statistics.few import FLOOR, FewDecision
from bankable.tools.statistics.noise import spread
from bankable.tools.statistics.outliers import outlier_marks
from bankable.tools.statistics.paired import Decision, launch_level

FAR = math.log(4 / 3)
"""Log distance from the side's median."""
CARRIES = 0.25
"""Share of the gain that may depend on faulted blocks."""
WIDE = 0.5
"""Spread (max − min) / median of one launch's rounds."""
ADVICE = "find the fault in the launch's log and telemetry, and measure the block again on both legs"


def check(case: Case) -> Iterator[Outcome]:
    decision = case.measured.gain
    if decision is None:
        yield NotApplicable("no rates to compare")
        return
    metric = case.noise_metric
    for leg in case.legs:
        rates = values(leg, metric)
        if len(rates) > 1 and min(rates) > 0 and spread(rates) > WIDE:
            yield flag(
                f"rounds of a launch within {WIDE:.0%} of each other",
                f"spread {spread(rates):.0%} in {leg.name}",
                ADVICE,
                at(leg.path("bench_runs.jsonl")),
                modes=("D04",),
                code="wide_spread",
            )
            break
    if case.planned is None:
        yield from launches_apart(case, metric, Side)
    sides = [[block.reference for block in case.blocks], [block.candidate for block in case.blocks]]
    far = sorted({index for side in sides for index in _far(side, metric)})
    if not far or (case.planned is not None and len(case.measured.differences) != len(case.blocks)):
        return
    named = ", ".join(str(case.blocks[index].index) for index in far)
    where = tuple(at(case.blocks[index].candidate.path("bench_runs.jsonl")) for index in far)
    without = _without(case, far)
    gain = math.expm1(without.mean) if without else 0.0
    floor = case.planned.floor if case.planned is not None else FLOOR
    rests = without is None or without.lower <= math.log1p(floor) < decision.lower
    observed = (
        f"block {named} is an outlier, and its TPOT confirms it; gain {decision.gain:+.1%}, without it {gain:+.1%}"
    )
    if rests or abs(decision.gain - gain) > CARRIES * abs(decision.gain):
        yield fail(
            "a gain that no single launch carries",
            observed,
            ADVICE,
            *where,
            action=Action.REMEASURE,
            modes=("D05",),
            code="faulted_launch",
        )
    else:
        yield flag("launches near their side's median", observed, ADVICE, *where, modes=("D05",), code="far_launch")


def _without(case: Case, far: Sequence[int]) -> Decision | FewDecision | None:
    """The decision over the other blocks."""
    if case.planned is None:
        folders = {leg.folder for index in far for leg in case.blocks[index].legs()}
        return judge_unplanned(case.comparison, folders, case.metric)
    others = [index for index in range(len(case.blocks)) if index not in far]
    return case.measured.decide(case.planned, others)


def _far(side: Sequence[LegView], metric: str) -> list[int]:
    rates = [values(leg, metric) for leg in side]
    tpots = [values(leg, "median_tpot_ms") for leg in side]
    if any(not each or min(each) <= 0 for each in (*rates, *tpots)):
        return []
    levels, times = [launch_level(each) for each in rates], [launch_level(each) for each in tpots]
    middle, usual = median(levels), median(times)
    return [
        index
        for index, marked in enumerate(outlier_marks(levels))
        if marked and abs(levels[index] - middle) > FAR and (levels[index] - middle) * (times[index] - usual) < 0
    ]


rule = Rule("faulted_rounds", GAINS, ("D04", "D05"), ("lever", "rounds"), check)
