"""The trials of a search and their outcomes: the lines of ``search/trials.jsonl``."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from bankable.tools.evidence.records import Lever, Record, Scalar

SUGGESTED = "suggested"
"""Stage of a trial that was proposed from outside the policy."""


class Trial(Record):
    """One configuration to measure, as its difference from the reference."""

    id: int = Field(ge=0)
    """Running number within the search."""
    flags: dict[str, Scalar]
    """Flags that differ from the reference, with underscores."""
    env: dict[str, str] = Field(default_factory=dict)
    """Environment variables that differ from the reference."""
    stage: str
    """Why it was asked: ``screen``, ``combine``, ``refine``, ``sample`` or ``suggested``."""
    stop_below: float | None = None
    """Log ratio against the reference below which the first pair of rounds settles it: no more rounds needed."""

    def lever(self) -> Lever:
        """The trial as a change to lay over the reference."""
        return Lever(flags=self.flags, env=self.env)


class TrialOutcome(Record):
    """Result of measuring a trial: either a score or a failure."""

    score: float | None = None
    """Log ratio of the metric against the reference, median over the rounds."""
    failure: str | None = None
    """Kind of failure as in ``Failure.kind``."""
    cost_s: float = Field(ge=0)
    """Server seconds spent: start-up, warm-up and rounds."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.score is None) == (self.failure is None):
            raise ValueError("an outcome has either a score or a failure")
        return self


class FinishedTrial(Record):
    """One line of ``search/trials.jsonl``: enough to replay the search."""

    trial: Trial
    """What was measured."""
    outcome: TrialOutcome
    """What the measurement gave."""


class BestTrial(Record):
    """The configuration that the search would confirm next, and its expected score."""

    trial: Trial
    """The configuration; its id is that of the trial that was measured."""
    score: float
    """Expected log ratio against the reference, shrunk towards the neighbours' evidence where the policy does so."""
    sd: float | None
    """Posterior standard deviation of it, as a log ratio; ``None`` for a policy that has none."""
