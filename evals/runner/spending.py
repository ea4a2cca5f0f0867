"""The remaining budget that all workers share: each writes ledgers of its own and reads all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from bankable.tools.llm.ledger import CallLine
from bankable.tools.llm.settings import Budget


def remaining_budget(budget: Budget, folder: Path, own: Path) -> Budget:
    """The budget less what is spent by every ledger under ``folder`` but ``own``, whose lines its client counts itself.

    Workers that ask at the same time do not see each other's requests under way, so that a run can go over by what one
    fixture costs for each further worker.
    """
    spent = [line for path in folder.rglob("*.jsonl") if path.resolve() != own.resolve() for line in lines_of(path)]
    sent = [line for line in spent if line.attempt > 0]
    return Budget(
        calls=None if budget.calls is None else max(0, budget.calls - len(sent)),
        tokens=None
        if budget.tokens is None
        else max(0, budget.tokens - sum(call.prompt_tokens + call.completion_tokens for call in sent)),
        money=None if budget.money is None else max(0.0, budget.money - sum(call.cost or 0.0 for call in sent)),
    )


def lines_of(path: Path) -> Iterator[CallLine]:
    """The complete lines of a ledger that another process may be writing to."""
    for raw in path.read_bytes().splitlines(keepends=True):
        try:
            yield CallLine.model_validate_json(raw)
        except ValidationError:  # incomplete line
            continue
