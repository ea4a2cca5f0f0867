"""Cost of a judge's answers: requests, tokens, money and time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bankable.evals.runner.record import Judgment


@dataclass(frozen=True)
class Spent:
    """Over all judgments, those of the cache too, as they were when they were asked for."""

    judgments: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    estimated: bool
    cost: float | None
    """US dollars; ``None`` without a price."""
    seconds: float
    """From question to answer, summed over the workers."""

    def __str__(self) -> str:
        cost = "cost unknown (no price)" if self.cost is None else f"${self.cost:.4f}"
        return (
            f"{self.judgments} judgments, {self.requests} requests, {self.prompt_tokens} tokens read and "
            f"{self.completion_tokens} written{' (estimated)' if self.estimated else ''}, {cost}, {self.seconds:.1f} s"
        )


def sum_spending(judgments: Iterable[Judgment]) -> Spent | None:
    """The sum; ``None`` where no judge was asked."""
    calls = [judgment.asked for judgment in judgments if judgment.asked is not None]
    if not calls:
        return None
    costs = [call.cost for call in calls]
    return Spent(
        judgments=len(calls),
        requests=sum(call.requests for call in calls),
        prompt_tokens=sum(call.prompt_tokens for call in calls),
        completion_tokens=sum(call.completion_tokens for call in calls),
        estimated=any(call.estimated for call in calls),
        cost=None if None in costs else sum(cost for cost in costs if cost is not None),
        seconds=sum(call.seconds for call in calls),
    )
