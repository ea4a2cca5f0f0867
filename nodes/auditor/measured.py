"""A comparison's numbers, recomputed from per-request lists."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from bankable.nodes.auditor.reading.rows import FURTHER
from bankable.nodes.auditor.reading.view import BlockView, ComparisonView, LegView
from bankable.nodes.auditor.service import SideService, count_side
from bankable.nodes.auditor.verdict import Interval, Metric
from bankable.tools.evidence.records import GOODPUT, REQUEST_SPEED, LatencySummary, Plan, Side
from bankable.tools.statistics.few import MIN_LAUNCHES, FewDecision, decide_few
from bankable.tools.statistics.guards import (
    GuardDecision,
    GuardedLevels,
    PairedLevels,
    decide_levels,
    hold_to_guards,
    judge_guard,
)
from bankable.tools.statistics.no_worse import find_change
from bankable.tools.statistics.paired import Decision, interval, launch_level

UNITS = {
    "output_throughput": "tok/s",
    "request_throughput": "req/s",
    GOODPUT: "req/s",
    "attainment": "of sent",
    REQUEST_SPEED: "1/s",
}
"""Units of rates; everything else is in milliseconds."""
METRIC = "output_throughput"
"""Deciding metric where no plan names one."""
LARGEST_LOG = 500.0
SMALLEST_LEVEL, LARGEST_LEVEL = 1e-6, 0.5
"""Levels that an interval of some blocks is computed at."""
MOST_LOOKS = 64
"""Looks of one plan: with more of them, computing their common level would take minutes."""
FIELDS = tuple(LatencySummary.model_fields)


@dataclass(frozen=True)
class Measured:
    """The figures that the raw records of a comparison give."""

    differences: tuple[float, ...]
    """d of each complete block: log ratio of the metric."""
    decision: Decision | None
    """Decision by the plan; ``None`` without a plan or a complete block."""
    metrics: tuple[Metric, ...]
    few: FewDecision | None = None
    """Decision where no plan declared blocks and looks; ``None`` when a round lacks a positive rate."""
    objective: PairedLevels | None = None
    """Levels of the deciding figure, block by block."""
    guarded: tuple[GuardedLevels, ...] = ()
    """Levels of the plan's guards, in its order."""
    service: Mapping[Side, SideService] | None = None
    """Both sides against the plan's limits; ``None`` without limits, or where a round lists no requests."""

    @property
    def gain(self) -> Decision | FewDecision | None:
        """The decision, with or without a plan."""
        return self.decision if self.decision is not None else self.few

    def decide(self, plan: Plan, blocks: Sequence[int] | None = None) -> Decision | None:
        """The plan's decision over some of the blocks, by their places; ``None`` without levels or blocks."""
        if self.objective is None or not self.objective.reference or (blocks is not None and not blocks):
            return None
        objective = self.objective if blocks is None else self.objective.select(blocks)
        decision = decide_levels(objective, level(plan), plan.floor, plan.looks[:MOST_LOOKS] or None)
        return hold_to_guards(decision, self.judge_guards(plan, blocks))

    def judge_guards(self, plan: Plan, blocks: Sequence[int] | None = None) -> tuple[GuardDecision, ...]:
        """The plan's guards over some of the blocks."""
        chosen = [
            guard if blocks is None or guard.levels is None else replace(guard, levels=guard.levels.select(blocks))
            for guard in self.guarded
        ]
        return tuple(judge_guard(guard, level(plan)) for guard in chosen)

    def metric(self, name: str) -> Metric | None:
        return next((metric for metric in self.metrics if metric.name == name), None)


def measure(comparison: ComparisonView, plan: Plan) -> Measured:
    """Recompute differences, decision and the figures of both legs."""
    service = _find_service(comparison, plan)
    objective = find_levels(comparison, plan.metric, service)
    guarded = tuple(
        GuardedLevels(
            guard.metric, guard.margin, guard.larger_is_better, find_levels(comparison, guard.metric, service)
        )
        for guard in plan.guards
    )
    undecided = Measured(
        objective.differences if objective is not None else (),
        None,
        tuple(_metric(comparison, name, level(plan)) for name in FIELDS),
        objective=objective,
        guarded=guarded,
        service=service,
    )
    decision = undecided.decide(plan)
    return replace(undecided, decision=decision, metrics=(*undecided.metrics, *_further(comparison, plan, undecided)))


def find_levels(
    comparison: ComparisonView, metric: str, service: Mapping[Side, SideService] | None
) -> PairedLevels | None:
    """Levels of a figure in the launches of each block; ``None`` where a round lacks it, or one above zero."""
    if metric == GOODPUT:
        return find_rates(service) if service is not None else None
    if metric not in (*FIELDS, *FURTHER, REQUEST_SPEED):
        return None
    levels = [_pair_levels(block, metric) for block in comparison.blocks]
    usable = [pair for pair in levels if pair is not None]
    if not usable or len(usable) < len(levels):
        return None
    return PairedLevels(tuple(a for a, _ in usable), tuple(b for _, b in usable))


def find_rates(service: Mapping[Side, SideService]) -> PairedLevels:
    """Goodput of the launches of each block; a side lists them in the order of the blocks."""
    rates = [tuple(launch.rate for launch in service[side].launches) for side in Side]
    return PairedLevels(rates[0], rates[1], may_be_zero=True)


def _pair_levels(block: BlockView, metric: str) -> tuple[float, float] | None:
    rounds = [values(leg, metric) for leg in block.legs()]
    if any(not side or not min(side) > 0 for side in rounds):
        return None
    return launch_level(rounds[0]), launch_level(rounds[1])


def _find_service(comparison: ComparisonView, plan: Plan) -> Mapping[Side, SideService] | None:
    if not plan.limits:
        return None
    sides = {side: count_side(comparison.side(side), plan.limits, plan.workload.num_prompts) for side in Side}
    counted = {side: service for side, service in sides.items() if service is not None}
    return counted if len(counted) == len(Side) else None


def _further(comparison: ComparisonView, plan: Plan, measured: Measured) -> Iterator[Metric]:
    """Figures that only this plan asks for: goodput and attainment, the request speed, guarded figures."""
    if measured.service is not None:
        yield _goodput(plan, measured.service)
        before, after = (measured.service[side].attainment for side in Side)
        yield Metric(name="attainment", unit=UNITS["attainment"], reference=before, candidate=after)
    names = dict.fromkeys((plan.metric, *(guard.metric for guard in plan.guards)))
    for name in names:
        if name in (*FURTHER, REQUEST_SPEED):
            yield _metric(comparison, name, level(plan))


def _goodput(plan: Plan, service: Mapping[Side, SideService]) -> Metric:
    decision = decide_levels(find_rates(service), level(plan), plan.floor, plan.looks[:MOST_LOOKS] or None)
    ratio = decision if decision.has_ratio else None
    bounds = ratio.gain_interval if ratio is not None else None
    return Metric(
        name=GOODPUT,
        unit=UNITS[GOODPUT],
        reference=service[Side.REFERENCE].goodput,
        candidate=service[Side.CANDIDATE].goodput,
        delta=ratio.gain if ratio is not None else None,
        interval=Interval(lower=bounds[0], upper=bounds[1]) if bounds is not None else None,
    )


def measure_unplanned(comparison: ComparisonView, deciding: str = METRIC) -> Measured:
    """Decide launches without a plan, and compute the figures of both legs.

    ``deciding`` is the metric that decides. A change that has an interval is the estimate that it belongs to: of the
    other figures over launches, two on each side at least, each bound at 95 %.
    """
    few = judge_unplanned(comparison, metric=deciding)
    metrics = []
    for name in (*FIELDS, *([deciding] if deciding not in FIELDS else [])):
        before, after = (leg_figure(comparison.side(side), name) for side in Side)
        decided = few if name == deciding else None
        delta = after / before - 1.0 if before and after is not None else None
        over_launches = _bounds(comparison, name) if decided is None else None
        if over_launches is not None:
            delta = over_launches[0]
        metrics.append(
            Metric(
                name=name,
                unit=UNITS.get(name, "ms"),
                reference=before,
                candidate=after,
                delta=decided.gain if decided else delta,
                interval=_to_interval(decided.gain_interval)
                if decided
                else over_launches[1]
                if over_launches
                else None,
            )
        )
    return Measured((), None, tuple(metrics), few)


def _bounds(comparison: ComparisonView, name: str) -> tuple[float, Interval] | None:
    """Change of a figure over launches and its bounds, as fractions; ``None`` with one launch on a side."""
    change = find_change(*([values(leg, name) for leg in comparison.side(side) if leg.rows] for side in Side))
    if change is None or min(change.launches) < MIN_LAUNCHES:
        return None
    half = change.half_width()
    return math.expm1(change.mean), _to_interval((_fraction(change.mean - half), _fraction(change.mean + half)))


def _fraction(log: float) -> float:
    """A log ratio as a fraction, bounded."""
    return math.expm1(min(log, LARGEST_LOG))


def _to_interval(bounds: tuple[float, float]) -> Interval:
    return Interval(lower=bounds[0], upper=bounds[1])


def judge_unplanned(
    comparison: ComparisonView, left_out: Collection[str] = (), metric: str = METRIC
) -> FewDecision | None:
    """The decision without some launches, given by folder; ``None`` when a round lacks a positive rate."""
    rates = [[values(leg, metric) for leg in comparison.side(side) if leg.folder not in left_out] for side in Side]
    usable = all(leg and all(launch and min(launch) > 0 for launch in leg) for leg in rates)
    return decide_few(rates[0], rates[1]) if usable else None


def level(plan: Plan) -> float:
    """Level of a look, clipped to the range that an interval is defined for."""
    return min(max(plan.alpha, SMALLEST_LEVEL), LARGEST_LEVEL)


def find_plan_fault(plan: Plan) -> str:
    """Say why no decision can rest on a plan's looks and level; empty where one can."""
    if len(plan.looks) > MOST_LOOKS:
        return f"{len(plan.looks)} looks"
    return f"a level of {plan.alpha:g}" if plan.alpha < SMALLEST_LEVEL else ""


def values(leg: LegView, metric: str) -> list[float]:
    """A figure of each round of a leg, recomputed where that is possible; empty when one round lacks it."""
    figures = [row.figure(metric) for row in leg.rows]
    return [value for value in figures if value is not None] if None not in figures else []


def leg_figure(legs: tuple[LegView, ...], metric: str) -> float | None:
    """Median over launches of the median over rounds; ``None`` without rounds."""
    launches = [median(figures) for leg in legs if (figures := values(leg, metric))]
    return median(launches) if launches else None


def _metric(comparison: ComparisonView, name: str, alpha: float) -> Metric:
    levels = find_levels(comparison, name, None)
    ds = levels.differences if levels is not None else ()
    bounds = interval(ds, alpha) if len(ds) > 1 else None
    return Metric(
        name=name,
        unit=UNITS.get(name, "ms"),
        reference=leg_figure(comparison.side(Side.REFERENCE), name),
        candidate=leg_figure(comparison.side(Side.CANDIDATE), name),
        delta=math.expm1(math.fsum(ds) / len(ds)) if ds else None,
        interval=Interval(lower=math.expm1(bounds.lower), upper=math.expm1(bounds.upper)) if bounds else None,
    )
