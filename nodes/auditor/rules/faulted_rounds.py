"""No faulted launch carries the gain, and no launch's rounds lie too far apart to use (D04 D05).

A launch is far off when its level lies beyond 3.5 · 1.4826 · MAD of its side and at least a third away from the side's
median, and TPOT moved the other way: the server itself was slower or faster, not the clock around it. If the gain is
not real any more without such blocks, or moves by more than a quarter of itself, it rests on them. One far round among
several is what a median is for; a launch whose rounds spread by more than half their median is named.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.measured import judge, values
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import GAINS, NotApplicable, Outcome, Rule, at, fail, flag
from bankable.nodes.auditor.verdict import Action
from bankable.tools.statistics.noise import spread
from bankable.tools.statistics.outliers import outlier_marks
from bankable.tools.statistics.paired import launch_level

FAR = math.log(4 / 3)
"""Log distance from the side's median."""
CARRIES = 0.25
"""Share of the gain that may depend on faulted blocks."""
WIDE = 0.5
"""Spread (max − min) / median of one launch's rounds."""
ADVICE = "find the fault in the launch's log and telemetry, and measure the block again on both legs"


def check(case: Case) -> Iterator[Outcome]:
    decision, ds = case.measured.decision, case.measured.differences
    if decision is None:
        yield NotApplicable("no rates to compare")
        return
    for leg in case.legs:
        rates = values(leg, case.plan.metric)
        if len(rates) > 1 and spread(rates) > WIDE:
            yield flag(
                f"rounds of a launch within {WIDE:.0%} of each other",
                f"spread {spread(rates):.0%} in {leg.name}",
                ADVICE,
                at(leg.path("bench_runs.jsonl")),
                modes=("D04",),
                code="wide_spread",
            )
            break
    sides = [[block.reference for block in case.blocks], [block.candidate for block in case.blocks]]
    far = sorted({index for side in sides for index in _far(side, case.plan.metric)})
    if not far or len(ds) != len(case.blocks):
        return
    named = ", ".join(str(case.blocks[index].index) for index in far)
    where = tuple(at(case.blocks[index].candidate.path("bench_runs.jsonl")) for index in far)
    kept = [d for index, d in enumerate(ds) if index not in far]
    without = judge(kept, case.plan) if kept else None
    gain = math.expm1(without.mean) if without else 0.0
    rests = without is None or without.lower <= math.log1p(case.plan.floor) < decision.lower
    said = f"block {named} far off with its TPOT; gain {decision.gain:+.1%}, without it {gain:+.1%}"
    if rests or abs(decision.gain - gain) > CARRIES * abs(decision.gain):
        yield fail(
            "a gain that no single launch carries",
            said,
            ADVICE,
            *where,
            action=Action.REMEASURE,
            modes=("D05",),
            code="faulted_launch",
        )
    else:
        yield flag("launches near their side's median", said, ADVICE, *where, modes=("D05",), code="far_launch")


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


rule = Rule("faulted_rounds", GAINS, ("D04", "D05"), ("plan", "rounds"), check)
