"""The budget: a request is sent only if its worst case still fits, and pays what it used."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from bankable.tools.llm.ledger import CallLine
from bankable.tools.llm.outcome import Usage
from bankable.tools.llm.settings import Budget, EndpointSettings


@dataclass
class _Spent:
    calls: int = 0
    tokens: int = 0
    money: float = 0.0


@dataclass(frozen=True)
class Ticket:
    """The worst case of one request, set aside until it has ended."""

    role: str
    tokens: int
    money: float


class Meter:
    """What is spent and set aside, per role and in all. Safe to use from several threads."""

    def __init__(self, settings: EndpointSettings, before: Iterable[CallLine] = ()) -> None:
        self._settings, self._lock = settings, threading.Lock()
        self._all, self._roles = _Spent(), dict[str, _Spent]()
        for line in before:
            if line.attempt > 0:
                self._add(line.role, 1, line.prompt_tokens + line.completion_tokens, line.cost or 0.0)

    def reserve(self, role: str, prompt_tokens: int, answer_tokens: int) -> Ticket | str:
        """Set a request's worst case aside, or the name of what would run out: calls, tokens or money."""
        ticket = Ticket(
            role, prompt_tokens + answer_tokens, self.cost(role, Usage(prompt_tokens, answer_tokens)) or 0.0
        )
        budgets = ((self._settings.budget, self._all), (self._budget(role), self._spent(role)))
        with self._lock:
            for budget, spent in budgets:
                short = _short(budget, spent, ticket)
                if short:
                    return short
            self._add(role, 1, ticket.tokens, ticket.money)
        return ticket

    def settle(self, ticket: Ticket, used: Usage) -> float | None:
        """Replace what was set aside by what was used. Returns its cost, ``None`` without a price."""
        cost = self.cost(ticket.role, used)
        with self._lock:
            self._add(ticket.role, 0, used.prompt + used.completion - ticket.tokens, (cost or 0.0) - ticket.money)
        return cost

    def cost(self, role: str, used: Usage) -> float | None:
        """US dollars; ``None`` when the role's model has no price."""
        price = self._settings.prices.get(self._settings.of(role).model)
        if price is None:
            return None
        return (used.prompt * price.prompt + used.completion * price.completion) / 1e6

    def _budget(self, role: str) -> Budget:
        return self._settings.role_budgets.get(role, Budget())

    def _spent(self, role: str) -> _Spent:
        return self._roles.setdefault(role, _Spent())

    def _add(self, role: str, calls: int, tokens: int, money: float) -> None:
        for spent in (self._all, self._spent(role)):
            spent.calls += calls
            spent.tokens += tokens
            spent.money += money


def _short(budget: Budget, spent: _Spent, ticket: Ticket) -> str:
    if budget.calls is not None and spent.calls + 1 > budget.calls:
        return "calls"
    if budget.tokens is not None and spent.tokens + ticket.tokens > budget.tokens:
        return "tokens"
    if budget.money is not None and spent.money + ticket.money > budget.money:
        return "money"
    return ""
