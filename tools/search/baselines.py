"""The searches that ours is compared with: Optuna's TPE as it is, and drawing at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bankable.tools.search.records import BestTrial, FinishedTrial, Trial, TrialOutcome
from bankable.tools.search.space import Point, SearchSpace
from bankable.tools.search.tpe import TpeProposer
from bankable.tools.search.trial_log import TrialLog

ATTEMPTS = 64
"""Points drawn before a search counts as exhausted; repeats cost nothing, which flatters the baselines."""
PROPOSALS = 6
"""Of these, how many TPE makes for one question."""


class _Sampling:
    """Asks for the trial of ``_draw``, recommends the highest score: no screening, no shrinkage, no failure model."""

    def __init__(self, space: SearchSpace, budget_s: float, history: Sequence[FinishedTrial] = ()) -> None:
        self._space = space
        self._log = TrialLog(space, budget_s)
        for finished in self._log.replay(history):
            self._learn(finished.trial.id, finished.outcome)

    def ask(self) -> Trial | None:
        """A configuration that was not asked before; ``None`` when the budget is spent or none is found."""
        if not self._log.affordable():
            return None
        number, visited = self._log.next_id(), self._log.visited_points()
        for attempt in range(ATTEMPTS):
            point = self._draw(number, attempt)
            if any(point) and point not in visited:
                return self._log.trial(number, point, "sample")
        return None

    def tell(self, trial_id: int, outcome: TrialOutcome) -> None:
        """Record the result of a trial."""
        self._log.close(trial_id, outcome)
        self._learn(trial_id, outcome)

    def best(self) -> BestTrial | None:
        """The highest score seen, if it is above the reference's."""
        if not self._log.scores:
            return None
        top = max(self._log.scores, key=lambda i: self._log.scores[i])
        if self._log.scores[top] <= 0:
            return None
        return BestTrial(trial=self._log.asked[top][0], score=self._log.scores[top], sd=None)

    @property
    def spent_s(self) -> float:
        """Server seconds of the finished trials."""
        return self._log.spent_s

    def _draw(self, number: int, attempt: int) -> Point:
        raise NotImplementedError

    def _learn(self, trial_id: int, outcome: TrialOutcome) -> None:
        """Nothing to learn for a search without memory."""


class RandomSearch(_Sampling):
    """Uniform over the grid, without repeats."""

    def __init__(self, space: SearchSpace, budget_s: float, seed: int, history: Sequence[FinishedTrial] = ()) -> None:
        self._seed = seed
        super().__init__(space, budget_s, history)

    def _draw(self, number: int, attempt: int) -> Point:
        rng = np.random.default_rng((self._seed, number, attempt))
        return self._space.normal(tuple(int(rng.integers(len(d.values))) for d in self._space.dimensions))


class PlainTPE(RandomSearch):
    """Optuna's multivariate TPE with its own defaults; draws at random when it keeps proposing what it has seen."""

    def __init__(self, space: SearchSpace, budget_s: float, seed: int, history: Sequence[FinishedTrial] = ()) -> None:
        self._tpe = TpeProposer(space, seed)
        super().__init__(space, budget_s, seed, history)

    def _draw(self, number: int, attempt: int) -> Point:
        return self._tpe.propose(number, attempt) if attempt < PROPOSALS else super()._draw(number, attempt)

    def _learn(self, trial_id: int, outcome: TrialOutcome) -> None:
        self._tpe.learn(self._log.point(trial_id), outcome.score)
