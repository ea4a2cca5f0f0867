"""The project's search: screen one knob at a time on top of what already won, combine, refine, stop.

1. **screen**: each knob's first value, most important knob first, laid over the winners so far, so that a screening
   trial may be the next best configuration;
2. **combine**: all changes that the shrunken evidence calls gains, together;
3. **refine**: the configuration with the largest expected improvement, out of the neighbours of the best, proposals
   of TPE, and on a small grid all of it;
4. stop when no candidate promises more than a fraction of the smallest gain worth banking, or the money is spent.

What somebody else suggests is asked first, out of the same money, and takes no trial of the search's own away.

It never asks twice, avoids what contains a failure, and shrinks what it believes (``posterior.py``). Every decision is
a function of the seed and of the trials so far: replaying a search's trials continues it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from bankable.tools.evidence.records import Scalar
from bankable.tools.search.failure_model import FailureModel, drop_ruled_out
from bankable.tools.search.posterior import Posterior, Prior, expected_improvement
from bankable.tools.search.records import SUGGESTED, BestTrial, FinishedTrial, Trial, TrialOutcome
from bankable.tools.search.space import Point, SearchSpace
from bankable.tools.search.tpe import TpeProposer
from bankable.tools.search.trial_log import NOT_ITS_FAULT, TrialLog

ENUMERABLE = 1024
"""Grids up to this size are weighed as a whole."""
WEAKEST = 0.4
"""Importance given to the least important knob: a profile orders the knobs, it does not rule any out."""


@dataclass(frozen=True)
class SearchSettings:
    """How the search behaves; the defaults are the ones that the search bench measures."""

    floor: float = 0.01
    """Smallest gain worth banking, as a fraction."""
    give_up: float = 0.05
    """Stop when the largest expected improvement is below this part of the floor."""
    hopeless_sds: float = 3.0
    """A first pair of rounds that many noise standard deviations behind the best settles a trial."""
    max_changes: int | None = None
    """Most knobs that a trial may change at once; 1 gives trials that each are one lever, ``None`` is no limit."""
    prior: Prior = field(default_factory=Prior)


class SearchPolicy:
    """Deterministic search under a budget in server seconds."""

    def __init__(
        self,
        space: SearchSpace,
        budget_s: float,
        seed: int,
        settings: SearchSettings | None = None,
        history: Sequence[FinishedTrial] = (),
    ) -> None:
        self._space = _scale(space)
        self._settings = settings or SearchSettings()
        self._log = TrialLog(self._space, budget_s)
        self._tpe = None if self._space.size() <= ENUMERABLE else TpeProposer(self._space, seed)
        self._suggested: list[Point] = []
        self._fitted: Posterior | None = None
        limit = self._settings.max_changes
        self._most = len(self._space.dimensions) if limit is None else limit
        self._grid = [] if self._tpe else [p for p in self._space.points() if self._small(p)]
        self._floor = math.log1p(self._settings.floor)
        self._screening = _screening_order(self._space)
        for finished in self._log.replay(history):
            self._learn(finished.trial.id, finished.outcome)

    def has_place(self, flags: Mapping[str, Scalar], env: Mapping[str, str]) -> bool:
        """Whether a configuration is of this space, changes no more than may be changed, and was not asked yet."""
        point = self._space.locate(flags, env)
        return (
            point is not None
            and self._space.normal(point) == point
            and self._small(point)
            and self._fresh(point)
            and point not in self._suggested
        )

    def suggest(self, flags: Mapping[str, Scalar], env: Mapping[str, str]) -> bool:
        """Have a configuration asked next, after those suggested before; false when it has no place."""
        point = self._space.locate(flags, env) if self.has_place(flags, env) else None
        if point is None:
            return False
        self._suggested.append(point)
        return True

    def ask(self) -> Trial | None:
        """The next configuration, or ``None``: nothing promising is left, or the budget is spent."""
        if not self._log.affordable():
            return None
        posterior, failures = self._posterior(), self._failure_model()
        base, level = self._incumbent(posterior)
        number = self._log.next_id()
        stop_below = level - self._settings.hopeless_sds * self._settings.prior.noise_sd
        for point, stage in [*((point, SUGGESTED) for point in self._suggested), *self._scripted(posterior, base)]:
            if self._fresh(point) and self._small(point) and not failures.rules_out(point):
                return self._log.trial(number, point, stage, stop_below)
        pool = drop_ruled_out(failures, self._pool(base, number))
        if not pool:
            return None
        mean, sd = posterior.at(pool)
        promise = expected_improvement(mean, sd, level) * np.array([failures.chance(p) for p in pool])
        choice = int(np.argmax(promise))
        if promise[choice] < self._settings.give_up * self._floor:
            return None
        return self._log.trial(number, pool[choice], "refine", stop_below)

    def tell(self, trial_id: int, outcome: TrialOutcome) -> None:
        """Record the result of a trial. Raises ``KeyError`` for a trial that is not open."""
        self._log.close(trial_id, outcome)
        self._learn(trial_id, outcome)

    def best(self) -> BestTrial | None:
        """The measured configuration with the highest expected score, if that is above the reference's."""
        ranked = self.rank()
        return ranked[0] if ranked and ranked[0].score > 0 else None

    def rank(self) -> list[BestTrial]:
        """Every measured configuration with its expected score, best first."""
        ids = list(self._log.scores)
        if not ids:
            return []
        mean, sd = self._measured().at([self._log.point(i) for i in ids])
        order = sorted(range(len(ids)), key=lambda k: (-mean[k], ids[k]))
        return [BestTrial(trial=self._log.asked[ids[k]][0], score=float(mean[k]), sd=float(sd[k])) for k in order]

    @property
    def spent_s(self) -> float:
        """Server seconds of the finished trials."""
        return self._log.spent_s

    def _learn(self, trial_id: int, outcome: TrialOutcome) -> None:
        self._fitted = None
        if self._tpe and outcome.failure not in NOT_ITS_FAULT:
            self._tpe.learn(self._log.point(trial_id), outcome.score)

    def _measured(self) -> Posterior:
        """From the finished trials; fitted once after each of them."""
        if self._fitted is None:
            points = [self._log.point(i) for i in self._log.scores]
            self._fitted = Posterior(self._space, self._settings.prior, points, list(self._log.scores.values()))
        return self._fitted

    def _posterior(self) -> Posterior:
        """As measured, and open trials counted as measured at their expectation, so that a batch spreads out."""
        posterior = self._measured()
        waiting = [self._log.point(i) for i in sorted(self._log.open)]
        if not waiting:
            return posterior
        guessed, _ = posterior.at(waiting)
        points = [self._log.point(i) for i in self._log.scores]
        scores = list(self._log.scores.values())
        return Posterior(
            self._space, self._settings.prior, [*points, *waiting], [*scores, *guessed.tolist()], posterior.factors
        )

    def _failure_model(self) -> FailureModel:
        failed = [i for i, kind in self._log.failures.items() if kind not in NOT_ITS_FAULT]
        return FailureModel(
            self._space, [self._log.point(i) for i in self._log.scores], [self._log.point(i) for i in failed]
        )

    def _incumbent(self, posterior: Posterior) -> tuple[Point, float]:
        """The best measured point so far and its expected score; the reference (0) when nothing beats it."""
        points = [self._log.point(i) for i in self._log.scores]
        if not points:
            return self._space.reference, 0.0
        mean, _ = posterior.at(points)
        top = int(np.argmax(mean))
        return (points[top], float(mean[top])) if mean[top] > 0 else (self._space.reference, 0.0)

    def _small(self, point: Point) -> bool:
        return len(self._space.changes(point)) <= self._most

    def _fresh(self, point: Point) -> bool:
        return any(point) and point not in self._log.visited_points()

    def _scripted(self, posterior: Posterior, base: Point) -> list[tuple[Point, str]]:
        """The screening trials that are still due, then the combination of all gains."""
        own = {point for trial, point in self._log.asked.values() if trial.stage != SUGGESTED}
        knobs = {d for point in own for d, _ in self._space.changes(point)}
        # A suggested value of a knob is no reason not to try the search's own first value of it.
        tried = {next(iter(changes)) for p in self._log.visited_points() if len(changes := self._space.changes(p)) == 1}
        due = [change for change in self._screening if change[0] not in knobs and change not in tried]
        under = base if self._most > 1 else self._space.reference
        script = [(self._space.normal(_with(under, change)), "screen") for change in due]
        if not due:
            script.append((self._gains(posterior), "combine"))
        return script

    def _gains(self, posterior: Posterior) -> Point:
        """For every knob the value with the highest expected effect, where that is positive."""
        point = list(self._space.reference)
        for d, dimension in enumerate(self._space.dimensions):
            singles = [_with(self._space.reference, (d, i)) for i in range(1, len(dimension.values))]
            mean, _ = posterior.at(singles)
            top = int(np.argmax(mean))
            if mean[top] > self._floor / 2:
                point[d] = top + 1
        return self._space.normal(tuple(point))

    def _pool(self, base: Point, number: int) -> list[Point]:
        """Fresh points to weigh: the whole grid if it is small, else near the best and wherever TPE would look."""
        if self._tpe is None:
            return [p for p in self._grid if self._fresh(p)]
        steps = [(d, i) for d, k in enumerate(self._space.dimensions) for i in range(len(k.values)) if i != base[d]]
        near = [_with(base, s) for s in steps]
        near += [_with(_with(base, a), b) for a, b in combinations(steps, 2) if a[0] != b[0]]
        far = [self._tpe.propose(number, attempt) for attempt in range(8)]
        pool = dict.fromkeys(self._space.normal(p) for p in (*near, *far))
        return [p for p in pool if self._fresh(p) and self._small(p)]


def _with(point: Point, change: tuple[int, int]) -> Point:
    return (*point[: change[0]], change[1], *point[change[0] + 1 :])


def _screening_order(space: SearchSpace) -> list[tuple[int, int]]:
    """First candidate of every knob, the most important knob first; ties in the order given."""
    order = sorted(range(len(space.dimensions)), key=lambda d: -space.dimensions[d].importance)
    return [(d, 1) for d in order]


def _scale(space: SearchSpace) -> SearchSpace:
    """Importances as parts of the largest, none below the weakest."""
    top = max(d.importance for d in space.dimensions)
    if top <= 0:
        return replace(space, dimensions=tuple(replace(d, importance=1.0) for d in space.dimensions))
    scaled = (replace(d, importance=max(WEAKEST, d.importance / top)) for d in space.dimensions)
    return replace(space, dimensions=tuple(scaled))
