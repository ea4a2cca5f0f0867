"""Optuna's multivariate TPE over a search space, fed from a trial log and reseeded for every trial.

The sampler's own random state is not kept: the n-th question depends on the seed, on n and on what was told, so a
search that is replayed from its trials asks what the uninterrupted one would have asked.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import TrialState, create_trial

from bankable.tools.search.space import Point, SearchSpace

FAILED_SCORE = -3.0
"""What a failed trial counts as: far below every score, so that TPE learns to avoid it."""


class TpeProposer:
    """Proposes points; ``learn`` every finished trial once."""

    def __init__(self, space: SearchSpace, seed: int, startup: int = 10) -> None:
        optuna.logging.set_verbosity(logging.ERROR)
        self._space, self._seed, self._startup = space, seed, startup
        self._distributions: Mapping[str, BaseDistribution] = {
            d.name: CategoricalDistribution(tuple(range(len(d.values)))) for d in space.dimensions
        }
        self._study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed))

    def learn(self, point: Point, score: float | None) -> None:
        """Enter a finished trial; ``None`` is a failure."""
        self._study.add_trial(
            create_trial(
                params={d.name: i for d, i in zip(self._space.dimensions, point, strict=True)},
                distributions=dict(self._distributions),
                value=FAILED_SCORE if score is None else score,
                state=TrialState.COMPLETE,
            )
        )

    def propose(self, question: int, attempt: int = 0) -> Point:
        """A point for the n-th question. The same question and attempt give the same point."""
        seed = (self._seed * 1_000_003 + question * 1_009 + attempt) % 2**32
        self._study.sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=self._startup)
        trial = self._study.ask(dict(self._distributions))
        self._study.tell(trial, state=TrialState.FAIL)  # a proposal, not a measurement: TPE looks past failed trials
        return self._space.normal(tuple(int(trial.params[d.name]) for d in self._space.dimensions))
