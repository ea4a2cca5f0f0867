"""The gain, recomputed and decided for few launches, and the figures of both legs (D01 D02 D03 D04 D07 D13)."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bankable.nodes.auditor.importers.leg import ForeignLeg
from bankable.nodes.auditor.importers.pair_case import METRIC, PairCase
from bankable.nodes.auditor.importers.shown import gaps
from bankable.nodes.auditor.measured import FIELDS, UNITS
from bankable.nodes.auditor.rule import Outcome, Unverifiable, fail, flag, info
from bankable.nodes.auditor.verdict import Action, Interval, Metric
from bankable.tools.statistics.few import FewDecision
from bankable.tools.statistics.noise import spread
from bankable.tools.statistics.outliers import outlier_marks
from bankable.tools.statistics.simple import NOISE_BAND

WIDE = 0.30
"""Spread (max − min) / median of the rounds of one launch above which they measure something else."""
SLOW_START = 0.015
"""A first round that is slower than the others by less is no warm-up."""


def gain(pair: PairCase) -> Iterator[Outcome]:
    where, decision = pair.candidate.where, pair.decision
    yield from gaps(pair, "real_delta")
    if decision is None:
        yield Unverifiable("a positive throughput in every round", (where,))
        return
    low, high = decision.gain_interval
    simple = decision.simple
    rounds = "" if decision.round_sd is None else f", round sd {decision.round_sd:.1%}"
    figures = (
        f"{decision.gain:+.2%} [{low:+.2%}, {high:+.2%}], launch sd {decision.launch_sd:.1%} "
        f"({decision.launch_sd_source}){rounds}; assumed: {decision.assumed}; simple rule: {simple.delta:+.2%}, "
        f"{'separated' if simple.separated else 'overlapping'}{', vacuous' if simple.vacuous else ''}"
    )
    if decision.verdict == "real":
        yield info("a gain above the floor", figures, where)
    elif decision.lacks_launches:
        advice = (
            "launch both sides at least twice, better six times in turns: rounds of one server say nothing of others"
        )
        yield flag("two launches a side", figures, advice, where, modes=("D03",), code="one_launch")
    else:
        advice = f"measure six interleaved pairs of fresh launches: {decision.reason}"
        yield fail("a gain above the floor", figures, advice, where, modes=("D01", "D03"), code=decision.verdict)


def steady_rounds(legs: tuple[ForeignLeg, ...]) -> Iterator[Outcome]:
    """Rounds of a launch that disagree: advice to measure again, no accusation."""
    for leg in legs:
        for launch in leg.launches:
            rates = launch.values(METRIC)
            if len(rates) < 2 or min(rates) <= 0:
                continue
            wide, slow = spread(rates), len(rates) > 2 and outlier_marks(rates)[0]
            shown = ", ".join(f"{rate:.2f}" for rate in rates[:7])
            said = f"{leg.name}: [{shown}], spread {wide:.2%}, {wide / NOISE_BAND:.1f} × the band of {NOISE_BAND:.1%}"
            where = launch.rounds[0].where
            if slow and rates[0] < (1 - SLOW_START) * median(rates[1:]):
                yield flag(
                    "rounds after the warm-up is over",
                    f"{said}; the first round is an outlier",
                    "add a warm-up round and measure again",
                    where,
                    action=Action.REMEASURE,
                    modes=("D07",),
                    code="warm_up_outlier",
                )
            elif wide > WIDE:
                yield flag(
                    f"rounds within {WIDE:.0%} of each other",
                    said,
                    "find out what happened in the odd round, and measure again",
                    where,
                    action=Action.REMEASURE,
                    modes=("D04",),
                    code="wide_spread",
                )


def metrics(reference: ForeignLeg, candidate: ForeignLeg | None, decision: FewDecision | None) -> tuple[Metric, ...]:
    """Figures of both legs; the deciding metric's gain is the estimate that its interval belongs to."""
    found = []
    for name in FIELDS:
        before, after = reference.figure(name), candidate.figure(name) if candidate else None
        decided = decision if name == METRIC else None
        delta = after / before - 1.0 if before and after is not None else None
        found.append(
            Metric(
                name=name,
                unit=UNITS.get(name, "ms"),
                reference=before,
                candidate=after,
                delta=decided.gain if decided else delta,
                interval=Interval(lower=decided.gain_interval[0], upper=decided.gain_interval[1]) if decided else None,
            )
        )
    return tuple(found)


def headline(decision: FewDecision | None) -> str:
    if decision is None:
        return "nothing could be derived from the evidence"
    low, high = decision.gain_interval
    launches = " and ".join(map(str, decision.launches))
    said = decision.verdict.replace("_", " ")
    return f"{METRIC} {decision.gain:+.1%} [{low:+.1%}, {high:+.1%}] on {launches} launches, {said}"
