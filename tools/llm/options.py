"""From what a person types to settings: models by role, prices, and a budget. Every mistake is one line."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from tools.errors import UserError
from tools.llm.settings import Budget, Endpoint, Price, Settings, endpoint

FIELDS = ("calls", "tokens", "money")
MAX_PRICE_BYTES = 1 << 16


def settings_from(
    llm: str, base_url: str | None = None, *, roles: Sequence[str] = (), prices: Path | None = None,
    budget: Sequence[str] = (), known: Sequence[str],
) -> Settings:  # fmt: skip
    """Settings for ``--llm`` and its companions.

    ``roles``: ``ROLE=MODEL`` or ``ROLE=MODEL@URL``; without a URL the common one. ``budget``: ``calls=N``, ``tokens=N``
    or ``money=USD``, for one role with ``ROLE:`` in front. ``prices``: a TOML file. ``known``: roles that there are.
    """
    whole, by_role = _budgets(budget, known)
    return Settings(
        endpoint=endpoint(llm, base_url),
        roles=_roles(roles, base_url, known),
        budget=whole,
        role_budgets=by_role,
        prices=read_prices(prices) if prices is not None else {},
    )


def read_prices(path: Path) -> dict[str, Price]:
    """US dollars per million tokens: a table per model with ``prompt`` and ``completion``."""
    fix = 'write ["model"], prompt = 1.25, completion = 10.0, each on a line'
    try:
        data = path.read_bytes()
        if len(data) > MAX_PRICE_BYTES:
            raise UserError("more prices than there are models", str(path), fix)
        found = tomllib.loads(data.decode())
        return {model: Price.model_validate(price) for model, price in found.items()}
    except OSError as problem:
        raise UserError("no such file of prices", str(path), problem.strerror or fix) from None
    except (ValueError, RecursionError):  # not UTF-8, not TOML, not prices
        raise UserError("a file of prices that cannot be read", str(path), fix) from None


def _roles(given: Sequence[str], base_url: str | None, known: Sequence[str]) -> dict[str, Endpoint]:
    found: dict[str, Endpoint] = {}
    for text in given:
        role, equals, rest = text.partition("=")
        _check(role, known, "--llm-role", text)
        if not equals or role in found:
            raise UserError("a role's model, once", f"--llm-role {text}", "give ROLE=MODEL or ROLE=MODEL@URL")
        model, _, url = rest.partition("@")
        found[role] = endpoint(model, url or base_url)
    return found


def _budgets(given: Sequence[str], known: Sequence[str]) -> tuple[Budget, dict[str, Budget]]:
    found: dict[str, dict[str, float]] = {}
    for text in given:
        role, colon, bound = text.rpartition(":")
        if colon:
            _check(role, known, "--llm-budget", text)
        field, _, number = bound.partition("=")
        mine = found.setdefault(role, {})
        if field not in FIELDS or field in mine:
            raise UserError(
                "a bound, once", f"--llm-budget {text}", f"give one of {', '.join(FIELDS)}, as in calls=100"
            )
        mine[field] = _number(number, text)
    try:
        budgets = {role: Budget.model_validate(bounds) for role, bounds in found.items()}
    except ValidationError:  # half a call
        raise UserError("calls and tokens are whole numbers", "--llm-budget", "give calls=100") from None
    whole = budgets.pop("", Budget())
    return whole, budgets


def _number(said: str, text: str) -> float:
    try:
        value = float(said)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1e15:
        raise UserError("not an amount", f"--llm-budget {text}", "give a number of at least 0")
    return value


def _check(role: str, known: Sequence[str], option: str, text: str) -> None:
    if role not in known:
        raise UserError(f"no role called {role!r}", f"{option} {text}", f"one of {', '.join(known)}")
