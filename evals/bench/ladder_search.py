"""Measures how soon a policy knows the frontier of a recorded ladder landscape.

A policy launches configurations and serves loads; it is charged the start-up and the rounds of a recorded launch. What
it measures is what the configuration gives plus the deviation of one of its launches, drawn anew for each launch. After
each launch it recommends the points that are not dominated by its own means. It has settled when what these points
truly give covers the hypervolume of the true frontier, against the origin, up to 2 %, and stays so.
"""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np
import optuna

from bankable.evals.bench.ladder_records import LadderLandscape
from bankable.tools.measurement.ladder import select_open
from bankable.tools.statistics.frontier import PointLevels
from bankable.tools.statistics.sequential import LOOKS

WITHIN = 0.02
FLOOR = 0.01
ATTEMPTS = 20
"""Proposals of TPE for one trial before it draws at random; repeats cost nothing, which flatters it."""

Place = tuple[int, int]
"""Configuration and load."""
Values = tuple[float, float]
"""Log throughput and log interactivity."""


@dataclass
class Bed:
    """Answers launches of one simulated search."""

    landscape: LadderLandscape
    seed: int
    spent_s: float = 0.0
    seen: dict[Place, list[Values]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    @property
    def loads(self) -> int:
        """Loads of the landscape."""
        return len(self.landscape.header.loads)

    def launch(self, config: int, loads: Sequence[int]) -> dict[int, Values]:
        """Launch a configuration and serve these loads."""
        recorded = self.landscape.launches[config]
        drawn = recorded[int(self._rng.integers(len(recorded)))]
        self.spent_s += drawn.startup_s + math.fsum(drawn.load_s[load] for load in loads)
        measured = {}
        for load in loads:
            truth, left = self.landscape.truths[config][load], drawn.deviations[load]
            measured[load] = (truth[0] + left[0], truth[1] + left[1])
            self.seen[config, load].append(measured[load])
        return measured

    def recommend(self) -> list[Place]:
        """Points that are not dominated by the means of what was measured."""
        means = {
            place: (fmean(value[0] for value in values), fmean(value[1] for value in values))
            for place, values in self.seen.items()
        }
        return find_undominated(means)


def find_undominated(values: dict[Place, Values]) -> list[Place]:
    """Points of which no other one is better in both figures."""
    return [
        place
        for place, (rate, speed) in values.items()
        if not any(other[0] > rate and other[1] > speed for other in values.values())
    ]


def find_hypervolume(values: Sequence[Values]) -> float:
    """Area that points (logarithms) dominate, against the origin."""
    ordered = sorted(((math.exp(rate), math.exp(speed)) for rate, speed in values), reverse=True)
    area, reached = 0.0, 0.0
    for rate, speed in ordered:
        if speed > reached:
            area += rate * (speed - reached)
            reached = speed
    return area


def run_ours(bed: Bed) -> Iterator[None]:
    """Blocks of all configurations that are still open, as a run's ladder measures them."""
    count, loads = len(bed.landscape.points), bed.loads
    family = count * loads * (count * loads - 1)
    rates: dict[Place, dict[int, float]] = {(config, load): {} for config in range(count) for load in range(loads)}
    speeds: dict[Place, dict[int, float]] = {place: {} for place in rates}
    levels = {place: PointLevels(f"{place[0]}@{place[1]}", rates[place], speeds[place]) for place in rates}
    wanted = frozenset(point.key for point in levels.values())
    rng = np.random.default_rng((bed.seed, 1))
    for block in range(LOOKS[-1]):
        for config in map(int, rng.permutation(count)):
            served = [load for load in range(loads) if levels[config, load].key in wanted]
            if served:
                for load, (rate, speed) in bed.launch(config, served).items():
                    rates[config, load][block], speeds[config, load][block] = rate, speed
                yield
        wanted = select_open(list(levels.values()), family, LOOKS, FLOOR, block + 1, LOOKS[-1])
        if not wanted:
            return


def run_grid(bed: Bed) -> Iterator[None]:
    """Every configuration once, in order, at all loads: what a sweep tool does before it takes the best."""
    for config in range(len(bed.landscape.points)):
        bed.launch(config, range(bed.loads))
        yield


def run_random(bed: Bed) -> Iterator[None]:
    """Points in random order, a launch for each."""
    places = [(config, load) for config in range(len(bed.landscape.points)) for load in range(bed.loads)]
    for place in np.random.default_rng((bed.seed, 2)).permutation(len(places)):
        bed.launch(places[place][0], [places[place][1]])
        yield


def run_tpe(bed: Bed) -> Iterator[None]:
    """Optuna's multi-objective TPE over knobs and load with its own defaults, a launch for each trial."""
    optuna.logging.set_verbosity(logging.ERROR)
    study = optuna.create_study(
        directions=["maximize", "maximize"], sampler=optuna.samplers.TPESampler(seed=bed.seed, multivariate=True)
    )
    knobs, points = bed.landscape.header.grid, bed.landscape.points
    rng = np.random.default_rng((bed.seed, 3))
    open_places = {(config, load) for config in range(len(points)) for load in range(bed.loads)}
    while open_places:
        trial, place = None, None
        for _ in range(ATTEMPTS):
            trial = study.ask()
            chosen = tuple(trial.suggest_categorical(knob.name, list(range(len(knob.values)))) for knob in knobs)
            load = trial.suggest_categorical("load", list(range(bed.loads)))
            place = (points.index(chosen), load) if chosen in points else None
            if place in open_places:
                break
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            trial, place = None, None
        if place is None:
            place = sorted(open_places)[int(rng.integers(len(open_places)))]
        open_places.discard(place)
        values = bed.launch(place[0], [place[1]])[place[1]]
        if trial is not None:
            study.tell(trial, list(values))
        yield


POLICIES: dict[str, Callable[[Bed], Iterator[None]]] = {
    "ours": run_ours,
    "grid, argmax": run_grid,
    "TPE, two aims": run_tpe,
    "random": run_random,
}


@dataclass(frozen=True)
class LadderScore:
    """All searches of one policy."""

    policy: str
    seeds: int
    reached: float
    """Share of the searches that ended within 2 % of the true frontier."""
    minutes: tuple[float, float, float]
    """Lower quartile, median and upper quartile of the server-minutes until settled; infinite where not reached."""
    spent_minutes: float
    """Median until the search stopped."""
    short: float
    """Median of what is missing of the hypervolume at the end, as a fraction."""


def search_ladder(name: str, landscape: LadderLandscape, seed: int) -> tuple[float, float, float]:
    """Server seconds until settled, and until stopped; what is missing of the hypervolume at the end."""
    truths = {
        (config, load): landscape.truths[config][load]
        for config in range(len(landscape.points))
        for load in range(len(landscape.header.loads))
    }
    whole = find_hypervolume(list(truths.values()))
    bed, settled, missing = Bed(landscape, seed), math.inf, 1.0
    for _ in POLICIES[name](bed):
        missing = 1.0 - find_hypervolume([truths[place] for place in bed.recommend()]) / whole
        if missing > WITHIN:
            settled = math.inf
        elif math.isinf(settled):
            settled = bed.spent_s
    return settled, bed.spent_s, missing


def bench_ladder(landscape: LadderLandscape, seeds: int) -> list[LadderScore]:
    """Every policy with every seed."""
    scores = []
    for name in POLICIES:
        runs = np.array([search_ladder(name, landscape, seed) for seed in range(seeds)])
        settled = runs[:, 0] / 60
        quartiles = [float(np.quantile(settled, share, method="higher")) for share in (0.25, 0.5, 0.75)]
        scores.append(
            LadderScore(
                policy=name,
                seeds=seeds,
                reached=float(np.mean(np.isfinite(settled))),
                minutes=(quartiles[0], quartiles[1], quartiles[2]),
                spent_minutes=float(np.median(runs[:, 1])) / 60,
                short=float(np.median(runs[:, 2])),
            )
        )
    return scores


def ladder_table(scores: Sequence[LadderScore], landscape: LadderLandscape) -> str:
    """The scores as plain text."""
    count, loads = len(landscape.points), len(landscape.header.loads)
    lines = [
        f"{landscape.header.model}: {count} configurations at {loads} loads; one launch of each at all loads takes "
        f"{landscape.cost_of_pass() / 60:.1f} server-minutes",
        "",
        f"{'policy':<15}{'within 2 %':>11}{'25 %':>9}{'median':>9}{'75 %':>9}{'stops at':>10}{'missing':>9}",
    ]
    for score in scores:
        quartiles = "".join(f"{'–' if math.isinf(value) else f'{value:.1f}':>9}" for value in score.minutes)
        lines.append(
            f"{score.policy:<15}{100 * score.reached:>9.0f} %{quartiles}{score.spent_minutes:>10.1f}"
            f"{100 * score.short:>7.2f} %"
        )
    lines += [
        "",
        "Server-minutes until the recommended points cover the true frontier's hypervolume up to 2 %, and stay so.",
        "Ours goes on after that, to prove which points dominate which; the others prove nothing.",
    ]
    return "\n".join(lines)
