"""Derives the points of a load ladder from the records of the requests, independently of what measured them.

throughput = output tokens of a round / duration / devices        interactivity = 1000 / median TPOT in ms
y = median over the rounds at one load of log(figure)             one number per launch
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.service import KeptLimits
from bankable.tools.evidence.devices import count_devices
from bankable.tools.evidence.records import (
    GOODPUT,
    REQUEST_SPEED,
    Contender,
    Ladder,
    LoadPoint,
    Plan,
    point_key,
)
from bankable.tools.statistics.frontier import Estimate, PointLevels, estimate, find_dominators

THROUGHPUT, TPOT = "output_throughput", "median_tpot_ms"


@dataclass(frozen=True)
class DerivedPoint:
    """One configuration at one load."""

    contender: Contender
    load: LoadPoint
    devices: int
    launches: dict[int, list[BenchRound]] = field(default_factory=dict)
    """Rounds at this load, by block."""

    @property
    def key(self) -> str:
        """``configuration@load``."""
        return point_key(self.contender.name, self.load.name)

    def levels(self) -> PointLevels:
        """Logarithms by block, of the launches whose rounds all give both figures."""
        throughput: dict[int, float] = {}
        interactivity: dict[int, float] = {}
        for block, rows in self.launches.items():
            rates, tpots = ([row.figure(name) for row in rows] for name in (THROUGHPUT, TPOT))
            if all(value is not None and value > 0 for value in (*rates, *tpots)):
                throughput[block] = median(math.log(rate / self.devices) for rate in rates if rate)
                interactivity[block] = median(math.log(1000.0 / tpot) for tpot in tpots if tpot)
        return PointLevels(self.key, throughput, interactivity)

    def count_service(self, plan: Plan) -> list[KeptLimits] | None:
        """Each launch against the limits; ``None`` where a round lists no requests."""
        counts = []
        for rows in self.launches.values():
            launch = KeptLimits()
            if not all(launch.add(row, plan.limits, self.load.workload.num_prompts) for row in rows):
                return None
            counts.append(launch)
        return counts

    def find_goodput(self, plan: Plan) -> tuple[float, float] | None:
        """Good requests per second and device, and their share of all that were sent."""
        counts = self.count_service(plan)
        if not counts:
            return None
        sent = sum(launch.sent for launch in counts)
        share = sum(launch.good for launch in counts) / sent if sent else 0.0
        return fmean(launch.rate for launch in counts) / self.devices, share


@dataclass(frozen=True)
class DerivedFrontier:
    """All points, and which of them are proven to be dominated by which."""

    points: tuple[DerivedPoint, ...]
    """Points with at least one launch, configuration by configuration in the order of the plan."""
    throughput: Mapping[str, Estimate]
    interactivity: Mapping[str, Estimate]
    dominators: Mapping[str, Sequence[str]]

    def choose(self, plan: Plan, load: str) -> tuple[str, tuple[str, ...]] | None:
        """The configuration of a load, and the others that nothing proves to be worse there."""
        here = [point for point in self.points if point.load.name == load]
        keys = {point.key for point in here}
        standing = [point for point in here if not keys.intersection(self.dominators[point.key])]
        if not standing:
            return None
        best = max(standing, key=lambda point: self.find_deciding(plan, point))
        return best.contender.name, tuple(point.contender.name for point in standing if point is not best)

    def find_deciding(self, plan: Plan, point: DerivedPoint) -> float:
        """The figure that the plan wants to be large."""
        if plan.metric == GOODPUT:
            service = point.find_goodput(plan)
            return service[0] if service is not None else 0.0
        if plan.metric == REQUEST_SPEED:
            speeds = [[row.figure(REQUEST_SPEED) or 0.0 for row in rows] for rows in point.launches.values()]
            logs = [median(math.log(value) for value in launch) for launch in speeds if min(launch) > 0]
            return math.exp(fmean(logs)) if logs else 0.0
        return self.throughput[point.key].mean


def contender_of(ladder: Ladder, leg: LegView) -> Contender | None:
    """The configuration that a leg is a launch of: by its name, and it has to have been served as declared."""
    name = leg.name.partition("-")[2]
    entry = next((entry for entry in ladder.contenders if entry.name == name), None)
    served = entry is not None and leg.record is not None and leg.record.config == entry.config
    return entry if served else None


def load_of(ladder: Ladder, row: BenchRound) -> LoadPoint | None:
    """The load of a round by its index; ``None`` for one that the plan does not have."""
    place = row.stamp.index // ladder.rounds_per_load if row.stamp is not None else -1
    return ladder.loads[place] if 0 <= place < len(ladder.loads) else None


def derive_points(ladder: Ladder, legs: Iterable[LegView]) -> tuple[DerivedPoint, ...]:
    """All planned points with a launch that counts."""
    points = {
        (entry.name, load.name): DerivedPoint(entry, load, count_devices(entry.config.flags))
        for entry in ladder.contenders
        for load in ladder.loads
    }
    for leg, entry in _known(ladder, legs):
        for row in leg.rows:
            load = load_of(ladder, row)
            if load is not None and leg.record is not None:
                points[entry.name, load.name].launches.setdefault(leg.record.block, []).append(row)
    return tuple(point for point in points.values() if point.launches)


def _known(ladder: Ladder, legs: Iterable[LegView]) -> Iterator[tuple[LegView, Contender]]:
    for leg in legs:
        entry = contender_of(ladder, leg)
        if entry is not None:
            yield leg, entry


def derive_frontier(plan: Plan, ladder: Ladder, legs: Iterable[LegView]) -> DerivedFrontier | None:
    """The frontier; ``None`` where a point has no launch with both figures."""
    points = derive_points(ladder, legs)
    levels = {point.key: point.levels() for point in points}
    if not points or not all(level.throughput for level in levels.values()):
        return None
    return DerivedFrontier(
        points,
        {key: estimate(level.throughput) for key, level in levels.items()},
        {key: estimate(level.interactivity) for key, level in levels.items()},
        find_dominators(list(levels.values()), ladder.family, plan.looks, plan.floor),
    )


def describe_frontier(plan: Plan, frontier: DerivedFrontier) -> str:
    """How many points stay on the frontier, and the configuration of each load."""
    standing = sum(not names for names in frontier.dominators.values())
    loads = dict.fromkeys(point.load.name for point in frontier.points)
    chosen = {load: frontier.choose(plan, load) for load in loads}
    named = ", ".join(f"{load}: {choice[0]}" for load, choice in chosen.items() if choice is not None)
    return f"{standing} of {len(frontier.points)} points stay on the frontier; {named}"
