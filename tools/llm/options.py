"""Parses the options ``--llm…``: models by role, a budget, prices. Every user error is one line.

Every command that asks models takes these options in the same words.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from pydantic import ValidationError

from bankable.tools.errors import UserError
from bankable.tools.llm.settings import PREFIX, Budget, Endpoint, EndpointSettings, Price, endpoint

BUDGETS = {"calls": "calls", "tokens": "tokens", "usd": "money"}
"""What may be bounded, and the name of its bound."""
MOST = 1e15
"""A larger amount is a slip of the finger."""


def settings_from(
    llm: str,
    base_url: str | None = None,
    *,
    roles: Sequence[str] = (),
    budgets: Sequence[str] = (),
    prices: Sequence[str] = (),
    known: Collection[str],
) -> EndpointSettings:
    """Settings for ``--llm`` and its companions. Raises ``UserError`` on what cannot be.

    ``roles``: ``ROLE=NAME``, or ``ROLE=NAME@URL`` for an address of its own. ``budgets``: ``calls=N``, ``tokens=N`` or
    ``usd=X``, for one role with ``ROLE.`` in front. ``prices``: ``NAME=IN,OUT``, US dollars per million tokens.
    ``known``: the roles that there are.
    """
    whole, by_role = _budgets(budgets, known)
    try:
        return EndpointSettings(
            endpoint=endpoint(llm, base_url),
            roles=_roles(roles, base_url, known),
            budget=whole,
            role_budgets=by_role,
            prices=_prices(prices),
        )
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise UserError(
            f"Cannot read the language-model options: {where}: {first['msg']}", "--llm…", "see `--help`"
        ) from None


def check_stray(options: Sequence[tuple[str, object]]) -> None:
    """Raises ``UserError`` for the first option of (name, value) that says something although no model is asked for."""
    stray = next((option for option, value in options if value), None)
    if stray is not None:
        raise UserError(
            "Cannot apply the option: no language model is given", stray, "give --llm MODEL too, or leave this out"
        )


def _roles(texts: Sequence[str], base_url: str | None, roles: Collection[str]) -> dict[str, Endpoint]:
    """Models by role, each at an address of its own where one is given: ``NAME@https://…``."""
    endpoints: dict[str, Endpoint] = {}
    for role, name in _pairs(texts, "--llm-role", "judge=NAME"):
        if role not in roles:
            raise UserError(f"Cannot read --llm-role: no role {role!r}", "", f"use one of {', '.join(roles)}")
        _once(role, endpoints, "--llm-role")
        model, _, rest = name.partition("@http")
        endpoints[role] = endpoint(model, f"http{rest}" if rest else base_url)
    return endpoints


def _budgets(texts: Sequence[str], roles: Collection[str]) -> tuple[Budget, dict[str, Budget]]:
    """``tokens=200000`` for all, ``judge.calls=20`` for one role."""
    bounds_of: dict[str, dict[str, float]] = {}
    for name, value in _pairs(texts, "--llm-budget", "tokens=200000, calls=50, usd=1.5 or judge.calls=20"):
        role, _, kind = name.rpartition(".")
        if kind not in BUDGETS or (role and role not in roles):
            raise UserError(
                f"Cannot read --llm-budget: no budget {name!r}",
                "",
                f"use one of {', '.join(BUDGETS)}, or ROLE. before it",
            )
        mine = bounds_of.setdefault(role, {})
        _once(BUDGETS[kind], mine, "--llm-budget")
        mine[BUDGETS[kind]] = _amount(value, name, "--llm-budget", whole=kind != "usd")
    budgets = {role: Budget.model_validate(bounds) for role, bounds in bounds_of.items()}
    return budgets.pop("", Budget()), budgets


def _prices(texts: Sequence[str]) -> dict[str, Price]:
    prices: dict[str, Price] = {}
    for name, value in _pairs(texts, "--llm-price", "NAME=0.4,1.6"):
        model = name.removeprefix(PREFIX).strip()
        _once(model, prices, "--llm-price")
        amounts = value.split(",")
        if len(amounts) != 2:
            fix = "give NAME=IN,OUT in dollars a million tokens"
            raise UserError(f"Cannot read --llm-price: {value!r} is not two prices", "", fix)
        prompt, completion = (_amount(amount, model, "--llm-price") for amount in amounts)
        prices[model] = Price(prompt=prompt, completion=completion)
    return prices


def _pairs(texts: Sequence[str], option: str, example: str) -> list[tuple[str, str]]:
    pairs = []
    for pair in texts:
        # The value has the last word: names of models may hold an equals sign, prices and budgets may not.
        name, equals, value = pair.partition("=") if option == "--llm-role" else pair.rpartition("=")
        if not equals or not name.strip() or not value.strip():
            raise UserError(f"Cannot read {option}: {pair!r} is not name=value", "", f"write for instance {example}")
        pairs.append((name.strip(), value.strip()))
    return pairs


def _once(name: str, seen: Collection[str], option: str) -> None:
    if name in seen:
        raise UserError(f"Cannot read {option}: {name!r} is given twice", "", "give it once")


def _amount(text: str, name: str, option: str, *, whole: bool = False) -> float:
    """A number of at least 0 that is finite, and whole where it counts something."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < MOST or (whole and value != int(value)):
        kind = "a whole number" if whole else "an amount"
        raise UserError(
            f"Cannot read {option}: {text.strip()!r} is not {kind} for {name}", "", "give a number of at least 0"
        )
    return value
