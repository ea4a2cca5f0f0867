"""The log of one search: trials asked for, their outcomes, the budget spent. It recommends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bankable.tools.search.records import BestTrial, FinishedTrial, Trial, TrialOutcome
from bankable.tools.search.space import Point, SearchSpace

NOT_ITS_FAULT = frozenset({"port_taken", "not_recorded"})
"""Failures that are independent of the configuration."""


class Searcher(Protocol):
    """A search under a budget. Ask, measure, tell; ask again may come before tell."""

    def ask(self) -> Trial | None:
        """The next configuration to measure; ``None`` when the search is over."""
        ...

    def tell(self, trial_id: int, outcome: TrialOutcome) -> None:
        """Record the result of a trial. Raises ``KeyError`` for a trial that is not open."""
        ...

    def best(self) -> BestTrial | None:
        """What to confirm next; ``None`` while nothing measured is expected to beat the reference."""
        ...


@dataclass
class TrialLog:
    """Trials and outcomes of one search over a space."""

    space: SearchSpace
    budget_s: float
    """Server seconds that may be spent; a trial is not started when the typical cost no longer fits."""
    asked: dict[int, tuple[Trial, Point]] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)
    scores: dict[int, float] = field(default_factory=dict)
    """By trial id, in the order of telling."""
    failures: dict[int, str] = field(default_factory=dict)
    spent_s: float = 0.0
    longest_s: float = 0.0

    def replay(self, history: Sequence[FinishedTrial]) -> list[FinishedTrial]:
        """Enter past trials; those that are not of this space are left out. Returns the ones entered."""
        entered = []
        for finished in history:
            point = self.space.locate(finished.trial.flags, finished.trial.env)
            if point is not None and finished.trial.id not in self.asked:
                self.enter(finished.trial, point)
                self.close(finished.trial.id, finished.outcome)
                entered.append(finished)
        return entered

    def enter(self, trial: Trial, point: Point) -> None:
        """Note a trial as asked."""
        self.asked[trial.id] = (trial, point)
        self.open.add(trial.id)

    def close(self, trial_id: int, outcome: TrialOutcome) -> None:
        """Note its outcome."""
        self.open.remove(trial_id)
        self.spent_s += outcome.cost_s
        self.longest_s = max(self.longest_s, outcome.cost_s)
        if outcome.score is None:
            self.failures[trial_id] = outcome.failure or ""
        else:
            self.scores[trial_id] = outcome.score

    def affordable(self) -> bool:
        """Whether one more trial fits, counting the open ones, if it costs what a finished trial costs on average."""
        done = len(self.scores) + len(self.failures)
        typical = self.spent_s / done if done else 0.0
        return self.spent_s + typical * (len(self.open) + 1) <= self.budget_s and self.budget_s > 0

    def next_id(self) -> int:
        """One more than the largest id so far."""
        return max(self.asked, default=-1) + 1

    def visited_points(self) -> set[Point]:
        """Every point asked so far."""
        return {point for _, point in self.asked.values()}

    def point(self, trial_id: int) -> Point:
        return self.asked[trial_id][1]

    def trial(self, trial_id: int, point: Point, stage: str, stop_below: float | None = None) -> Trial:
        """A new trial for a point, entered."""
        flags, env = self.space.settings(point)
        made = Trial(id=trial_id, flags=flags, env=env, stage=stage, stop_below=stop_below)
        self.enter(made, point)
        return made
