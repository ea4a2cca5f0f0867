"""What the launches of a ladder say: figures of each point, the frontier, and one configuration for each load."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from bankable.tools.evidence.devices import count_devices
from bankable.tools.evidence.records import (
    GOODPUT,
    REQUEST_SPEED,
    BenchRun,
    FrontierClaim,
    Ladder,
    OperatingPoint,
    Plan,
    PointClaim,
    describe_limits,
    point_key,
)
from bankable.tools.objective.attainment import count_launch, summarise_service
from bankable.tools.objective.judging import find_request_speed
from bankable.tools.statistics.frontier import PointLevels, estimate, find_dominators
from bankable.tools.statistics.latency import recompute
from bankable.tools.statistics.paired import launch_level

Launches = Mapping[int, Sequence[BenchRun]]
"""By block: the timed rounds of one launch at one load."""


@dataclass(frozen=True)
class MeasuredPoint:
    """One configuration at one load, with its rounds."""

    contender: str
    load: str
    devices: int
    """Devices of its server."""
    launches: Launches

    @property
    def key(self) -> str:
        """``configuration@load``."""
        return point_key(self.contender, self.load)

    @cached_property
    def levels(self) -> PointLevels:
        """Logarithms of both figures, by block. Raises ValueError for a round without a positive figure."""
        return PointLevels(
            self.key,
            {
                block: launch_level([run.output_throughput / self.devices for run in runs])
                for block, runs in self.launches.items()
            },
            {block: launch_level([find_interactivity(run) for run in runs]) for block, runs in self.launches.items()},
        )

    def deciding_figure(self, plan: Plan) -> float:
        """What the plan wants to be large, of one device: mean over launches of the rate, or of the levels."""
        if plan.metric == GOODPUT:
            return fmean(count_launch(runs, plan.limits).rate for runs in self.launches.values()) / self.devices
        if plan.metric == REQUEST_SPEED:
            speeds = [launch_level([find_request_speed(run) for run in runs]) for runs in self.launches.values()]
            return math.exp(fmean(speeds))
        return estimate(self.levels.throughput).mean


def find_interactivity(run: BenchRun) -> float:
    """Output tokens per second of one user, from the gaps between the tokens of each request; 0 without any.

    The engine's own median also counts the time from the last token to the end of its stream.
    """
    median = recompute(run).median_tpot_ms
    return 1000.0 / median if median > 0 else 0.0


def sort_rounds(ladder: Ladder, contender: str, legs: Mapping[int, Sequence[BenchRun]]) -> list[MeasuredPoint]:
    """The rounds of a configuration's launches (by block) as points, in the order of the loads.

    A load with a round that answered nothing, or with answers of one token, has no point.
    """
    config = next(entry.config for entry in ladder.contenders if entry.name == contender)
    points = []
    for place, load in enumerate(ladder.loads):
        launches = {
            block: mine
            for block, runs in legs.items()
            if (mine := [run for run in runs if run.bankable.index // ladder.rounds_per_load == place])
        }
        usable = [
            run.output_throughput > 0 and find_interactivity(run) > 0 for runs in launches.values() for run in runs
        ]
        if usable and all(usable):
            points.append(MeasuredPoint(contender, load.name, count_devices(config.flags), launches))
    return points


def claim_frontier(plan: Plan, ladder: Ladder, points: Sequence[MeasuredPoint], blocks: int) -> FrontierClaim:
    """The claim of a ladder. Raises ValueError without any point, or for a round without a positive figure."""
    levels = [point.levels for point in points]
    dominators = find_dominators(levels, ladder.family, plan.looks, plan.floor)
    claims = tuple(
        _claim_point(plan, point, level, dominators[point.key]) for point, level in zip(points, levels, strict=True)
    )
    chosen = tuple(_choose(plan, ladder, load.name, points, dominators) for load in ladder.loads)
    operating = tuple(point for point in chosen if point is not None)
    figures = {point.key: point.deciding_figure(plan) for point in points}
    best = max(operating, key=lambda point: figures[point_key(point.contender, point.load)])
    return FrontierClaim(
        comparison=plan.name,
        run_id=plan.run_id,
        blocks=blocks,
        points=claims,
        operating_points=operating,
        best=best.load,
        headline=_describe(plan, claims, best),
    )


def _claim_point(plan: Plan, point: MeasuredPoint, levels: PointLevels, dominated_by: tuple[str, ...]) -> PointClaim:
    throughput, interactivity = estimate(levels.throughput), estimate(levels.interactivity)
    counted = [count_launch(runs, plan.limits) for runs in point.launches.values()] if plan.limits else []
    service = summarise_service(counted) if counted else None
    return PointClaim(
        contender=point.contender,
        load=point.load,
        launches=len(point.launches),
        throughput=throughput.mean,
        throughput_interval=throughput.interval,
        interactivity=interactivity.mean,
        interactivity_interval=interactivity.interval,
        goodput=service.goodput / point.devices if service is not None else None,
        attainment=service.attainment if service is not None else None,
        dominated_by=dominated_by,
    )


def _choose(
    plan: Plan,
    ladder: Ladder,
    load: str,
    points: Sequence[MeasuredPoint],
    dominators: Mapping[str, Sequence[str]],
) -> OperatingPoint | None:
    """The configuration with the largest deciding figure among those that none dominates at this load."""
    here = [point for point in points if point.load == load]
    keys = {point.key for point in here}
    standing = [point for point in here if not keys.intersection(dominators[point.key])]
    if not standing:
        return None
    best = max(standing, key=lambda point: point.deciding_figure(plan))
    config = next(entry.config for entry in ladder.contenders if entry.name == best.contender)
    others = tuple(point.contender for point in standing if point is not best)
    return OperatingPoint(load=load, contender=best.contender, config=config, undecided=others)


def _describe(plan: Plan, points: Sequence[PointClaim], best: OperatingPoint) -> str:
    frontier = sum(not point.dominated_by for point in points)
    top = next(point for point in points if point.key == point_key(best.contender, best.load))
    figure = f"{top.throughput:.0f} tok/s and device at {top.interactivity:.0f} tok/s for one user"
    if plan.limits and top.goodput is not None:
        figure += f", {top.goodput:.2f} good requests/s {describe_limits(plan.limits)}"
    return f"{frontier} of {len(points)} points stay on the frontier; best {best.load} with {best.contender}: {figure}"
