"""Judges the launches of a comparison by the objective and the guards of its plan, from the rounds as recorded.

The auditor derives the same levels again from the per-request lists, with code of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bankable.tools.evidence.records import (
    GOODPUT,
    REQUEST_SPEED,
    BenchRun,
    GuardClaim,
    Plan,
    ServiceClaim,
    Side,
)
from bankable.tools.objective.attainment import count_good, count_launch, summarise_service
from bankable.tools.statistics.guards import (
    GuardDecision,
    GuardedLevels,
    PairedLevels,
    decide_levels,
    hold_to_guards,
    judge_guard,
)
from bankable.tools.statistics.latency import recompute
from bankable.tools.statistics.paired import Decision, launch_level
from bankable.tools.statistics.rates import UNIT, RateDecision

Launches = Sequence[Sequence[BenchRun]]
HALF = 0.5
"""Added to a count of good requests in a screening score, so that its logarithm exists (Gart and Zweifel 1967)."""


@dataclass(frozen=True)
class ComparisonJudgment:
    """What the blocks so far say."""

    decision: Decision
    """The objective's decision, with the guards in it."""
    guards: tuple[GuardDecision, ...]


def judge(plan: Plan, rounds: dict[Side, list[list[BenchRun]]]) -> ComparisonJudgment:
    """Judge the launches of the blocks so far, in their order, one of each side a block."""
    sides = (rounds[Side.REFERENCE], rounds[Side.CANDIDATE])
    objective = find_levels(plan, plan.metric, *sides)
    decision = decide_levels(objective, plan.alpha, plan.floor, plan.looks)
    guards = tuple(
        judge_guard(
            GuardedLevels(
                guard.metric, guard.margin, guard.larger_is_better, _find_guarded(plan, guard.metric, *sides)
            ),
            plan.alpha,
        )
        for guard in plan.guards
    )
    return ComparisonJudgment(hold_to_guards(decision, guards), guards)


def find_levels(plan: Plan, metric: str, reference: Launches, candidate: Launches) -> PairedLevels:
    """Levels of a figure of each launch: good requests per second, or the median of the rounds' logarithms."""
    if metric == GOODPUT:
        sides = [tuple(count_launch(runs, plan.limits).rate for runs in side) for side in (reference, candidate)]
        return PairedLevels(sides[0], sides[1], may_be_zero=True)
    figure = _figure(metric)
    levels = [tuple(launch_level([figure(run) for run in runs]) for runs in side) for side in (reference, candidate)]
    return PairedLevels(levels[0], levels[1])


def _find_guarded(plan: Plan, metric: str, reference: Launches, candidate: Launches) -> PairedLevels | None:
    """Levels of a guarded figure; ``None`` where a round has none above zero."""
    try:
        return find_levels(plan, metric, reference, candidate)
    except ValueError:
        return None


def _figure(metric: str) -> Callable[[BenchRun], float]:
    if metric == "output_throughput":
        return lambda run: run.output_throughput
    if metric == REQUEST_SPEED:
        return find_request_speed
    return lambda run: float(getattr(recompute(run), metric))


def find_request_speed(run: BenchRun) -> float:
    """1 / median end-to-end latency of a round, per second; 0 without an answered request."""
    median = recompute(run).median_e2e_ms
    return 1000.0 / median if median > 0 else 0.0


def score_rounds(plan: Plan, reference: BenchRun, candidate: BenchRun) -> float:
    """Screening score of a pair of rounds: log ratio of the deciding figure.

    Of goodput, half a request is added to both counts: a score chooses what to confirm and proves nothing.
    """
    if plan.metric == GOODPUT:
        counts = [count_good(run, plan.limits) for run in (reference, candidate)]
        before, after = ((count.good + HALF) / count.seconds for count in counts)
        return math.log(after / before)
    figure = _figure(plan.metric)
    return math.log(figure(candidate) / figure(reference))


def score_unit(plan: Plan) -> str:
    """Unit of the deciding figure, for display."""
    return {GOODPUT: UNIT, REQUEST_SPEED: "1/s"}.get(plan.metric, "tok/s")


def claim_service(plan: Plan, rounds: dict[Side, list[list[BenchRun]]]) -> ServiceClaim | None:
    """Both sides against the limits of the plan; ``None`` for a plan without limits."""
    if not plan.limits:
        return None
    launches = {side: [count_launch(runs, plan.limits) for runs in rounds[side]] for side in Side}
    levels = [tuple(launch.rate for launch in launches[side]) for side in Side]
    decision = decide_levels(PairedLevels(levels[0], levels[1], may_be_zero=True), plan.alpha, plan.floor, plan.looks)
    assert isinstance(decision, RateDecision)
    return ServiceClaim(
        limits=plan.limits,
        reference=summarise_service(launches[Side.REFERENCE]),
        candidate=summarise_service(launches[Side.CANDIDATE]),
        difference=decision.difference,
        difference_interval=decision.difference_interval,
    )


def claim_guards(plan: Plan, guards: Sequence[GuardDecision]) -> tuple[GuardClaim, ...]:
    """The decisions of the plan's guards as records."""
    return tuple(
        GuardClaim(
            metric=guard.metric,
            margin=guard.margin,
            harm=decision.harm,
            interval=decision.interval,
            outcome=decision.outcome,
        )
        for guard, decision in zip(plan.guards, guards, strict=True)
    )
