"""Is this machine quiet enough to decide anything, and did the rounds settle (D04 D07)?

From the A/A control's block differences with standard deviation s_d: the smallest gain above the floor that the planned
looks (at least six blocks) show with 80 % power. A gain of 30 % out of reach is a FAIL: nothing measured here could be
banked. Within launches: a first round that is systematically slow (warm-up not over), a spread of rounds above 30 %, a
steady trend over the launches. These are advice to measure again, not accusations: a shared box is noisy. Files without
a control cannot show the first: then at least how launches of the same server differ must be there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean, median, stdev

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.spread import launches_apart
from bankable.nodes.auditor.measured import level, values
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import Outcome, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import GOODPUT, Plan, Side
from bankable.tools.statistics.noise import drift, minimal_detectable_effect, spread
from bankable.tools.statistics.outliers import outlier_marks
from bankable.tools.statistics.paired import MIN_BLOCKS
from bankable.tools.statistics.simple import NOISE_BAND
from bankable.tools.statistics.student import t_quantile

HOPELESS = 0.30
"""A gain that any serious plan must be able to decide."""
WIDE = 0.30
"""Spread (max − min) / median of the rounds of one launch."""
SLOW_START = 0.015
FEWEST_LAUNCHES = 2
SURE = 0.995
TREND = 0.25


def check(case: Case) -> Iterator[Outcome]:
    metric = case.noise_metric
    if case.planned is not None:
        yield from _power(case, case.planned)
    elif len(case.legs) < FEWEST_LAUNCHES:
        what, fix = "how launches of the same server differ", "measure at least four fresh launches"
        yield Unverifiable(what, (at(case.legs[0].path("bench_runs.jsonl")),), fix=fix)
    else:
        yield from launches_apart(case, metric, (Side.REFERENCE,))
    yield from _first_round(case, metric)
    for leg in case.legs:
        rates = values(leg, metric)
        if len(rates) > 1 and min(rates) > 0 and spread(rates) > WIDE:
            yield _again(
                f"rounds within {WIDE:.0%} of each other",
                f"spread {spread(rates):.0%} in {leg.name}",
                "wait until the machine is quiet, or use longer rounds",
                leg,
                mode="D04",
                code="wide_spread",
            )
            break
    yield from _trend(case, metric)


def _power(case: Case, plan: Plan) -> Iterator[Outcome]:
    ds, where = _relative(case, plan), at(case.plan_file)
    if len(ds) < 2:
        yield Unverifiable("at least two blocks of the reference against itself", (where,), Severity.FLAG)
        return
    sd, n = stdev(ds), max((*plan.looks, MIN_BLOCKS))
    smallest = math.expm1(minimal_detectable_effect(sd, n, level(plan)))
    unit = " of the request rate" if plan.metric == GOODPUT else ""
    observed = f"block sd {sd:.1%}: {n} blocks show a gain of {smallest:.1%}{unit} above the floor with 80 % power"
    if smallest > HOPELESS:
        yield fail(
            f"{n} blocks that can decide a gain of {HOPELESS:.0%}",
            observed,
            "reduce other load on the machine, use co-resident blocks, longer rounds or more blocks",
            where,
            action=Action.REMEASURE,
            modes=("D04",),
            code="too_noisy",
        )
    else:
        yield info("a plan that can decide", observed, where, code="detectable_effect")


def _relative(case: Case, plan: Plan) -> tuple[float, ...]:
    """Differences of the blocks as log ratios; of goodput, as shares of all requests that the reference answers.

    A reference may serve few requests within the limits or none: then its goodput is no scale.
    """
    if plan.metric != GOODPUT:
        return case.measured.differences
    answered = case.measured.metric("request_throughput")
    if answered is None or not answered.reference:
        return ()
    return tuple(difference / answered.reference for difference in case.measured.differences)


def _first_round(case: Case, metric: str) -> Iterator[Outcome]:
    launches = [(leg, values(leg, metric)) for leg in case.legs]
    usable = [(leg, rates) for leg, rates in launches if len(rates) > 1 and min(rates) > 0]
    if not usable:
        return
    shifts = [math.log(rates[0] / median(rates[1:])) for _, rates in usable]
    marked = sum(outlier_marks(rates)[0] and rates[0] < (1 - SLOW_START) * median(rates) for _, rates in usable)
    mean = fmean(shifts)
    error = stdev(shifts) / math.sqrt(len(shifts)) if len(shifts) > 1 else math.inf
    systematic = mean < -SLOW_START and -mean > t_quantile(SURE, max(1, len(shifts) - 1)) * error
    widest = max(spread(rates) for _, rates in usable)
    if systematic or marked * 3 >= len(usable) * 2:
        yield _again(
            "rounds after the warm-up is over",
            f"the first timed round is {-mean:.1%} slower, an outlier in {marked} of {len(usable)} launches; "
            f"spread up to {widest:.2%}, {widest / NOISE_BAND:.1f} × the band of {NOISE_BAND:.1%}",
            "add a warm-up round and measure again",
            usable[0][0],
            mode="D07",
            code="warm_up_outlier",
        )


def _trend(case: Case, metric: str) -> Iterator[Outcome]:
    legs = case.counted(Side.REFERENCE)
    rounds = [values(leg, metric) for leg in legs]
    levels = [median(rates) for rates in rounds if rates]
    if len(levels) < 4 or min(levels) <= 0:
        return
    change = drift(levels)
    if abs(change) > TREND:
        yield _again(
            f"a level that moves less than {TREND:.0%} over the control",
            f"{change:+.0%} from first to last block",
            "wait until the machine has settled; paired blocks hide this, absolute figures do not",
            legs[-1],
            mode="D15",
            code="trend",
        )


def _again(expected: str, observed: str, advice: str, leg: LegView, *, mode: str, code: str) -> Outcome:
    return flag(
        expected, observed, advice, at(leg.path("bench_runs.jsonl")), action=Action.REMEASURE, modes=(mode,), code=code
    )


rule = Rule("baseline_noise", frozenset({"baseline"}), ("D04", "D07"), ("lever", "rounds"), check)
