"""What a judge's answers took: requests, tokens, money and time."""

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


def spent_on(judgments: Iterable[Judgment]) -> Spent | None:
    """The sum; ``None`` where no judge was asked."""
    asked = [it.asked for it in judgments if it.asked is not None]
    if not asked:
        return None
    costs = [it.cost for it in asked]
    return Spent(
        judgments=len(asked),
        requests=sum(it.requests for it in asked),
        prompt_tokens=sum(it.prompt_tokens for it in asked),
        completion_tokens=sum(it.completion_tokens for it in asked),
        estimated=any(it.estimated for it in asked),
        cost=None if None in costs else sum(it for it in costs if it is not None),
        seconds=sum(it.seconds for it in asked),
    )
