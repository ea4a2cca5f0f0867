"""What a user may ask of language models: who plays which role, and what that may cost. Holds no key."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from nodes.auditor.judge.orders import VOTES, Orders
from tools.errors import UserError
from tools.evidence.records import Record
from tools.llm.key import key_for
from tools.llm.ledger import CALLS
from tools.llm.settings import Endpoint, Settings, endpoint

ROLES = ("judge", "config_tuner", "kernel_author")
"""Roles that a model plays so far."""
BUDGETS = {"calls": "calls", "tokens": "tokens", "usd": "money"}
"""What may be bounded, and the name of its bound."""


class Llm(Record):
    """``llm`` in ``run.json``."""

    settings: Settings
    votes: int = Field(default=VOTES, ge=1, le=15)
    """Of the judge, for each audit."""

    def orders(self, run: Path) -> Orders:
        """How the judge of the run in this folder is to be asked."""
        return Orders(settings=self.settings, votes=self.votes, ledger=str((run / CALLS).resolve()))

    def check_keys(self, environ: Mapping[str, str] | None = None) -> None:
        """Raises ``UserError`` when a role has no key: at the start, and not an hour into a run."""
        for role in ROLES:
            key_for(role, self.settings.of(role), os.environ if environ is None else environ)


def asked_for(
    llm: str | None, base_url: str | None, roles: Sequence[str], budgets: Sequence[str], prices: Sequence[str],
    votes: int | None,
) -> Llm | None:  # fmt: skip
    """What the options say; ``None`` when no model is asked for. Raises ``UserError`` on what cannot be."""
    if llm is None:
        given = (("--llm-base-url", base_url), ("--llm-role", roles), ("--llm-budget", budgets),
                 ("--llm-price", prices), ("--judge-votes", votes))  # fmt: skip
        stray = next((option for option, value in given if value), None)
        if stray is not None:
            raise UserError("no model to ask", stray, "give --llm MODEL too, or leave this out")
        return None
    bounds, of_roles = _budgets(budgets)
    try:
        settings = Settings.model_validate(
            {
                "endpoint": endpoint(llm, base_url),
                "roles": {
                    role: _player(role, name, base_url) for role, name in _pairs(roles, "--llm-role", "judge=NAME")
                },
                "budget": bounds,
                "role_budgets": of_roles,
                "prices": dict(_price(*pair) for pair in _pairs(prices, "--llm-price", "NAME=0.4,1.6")),
            }
        )
        return Llm(settings=settings, votes=VOTES if votes is None else votes)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise UserError(f"{where}: {first['msg']}", "--llm…", "see `run --help`") from None


def _player(role: str, name: str, base_url: str | None) -> Endpoint:
    """A role's model, at an address of its own where one is given: ``NAME@https://…``."""
    if role not in ROLES:
        raise UserError(f"no model plays {role!r}", "--llm-role", f"one of {', '.join(ROLES)}")
    model, _, rest = name.partition("@http")
    return endpoint(model, f"http{rest}" if rest else base_url)


def _budgets(asked: Sequence[str]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """``tokens=200000`` for all, ``judge.calls=20`` for one role."""
    bounds: dict[str, Any] = {}
    of_roles: dict[str, dict[str, Any]] = {}
    for name, value in _pairs(asked, "--llm-budget", "tokens=200000, calls=50, usd=1.5 or judge.calls=20"):
        role, _, kind = name.rpartition(".")
        if kind not in BUDGETS or (role and role not in ROLES):
            raise UserError(f"no budget {name!r}", "--llm-budget", f"one of {', '.join(BUDGETS)}, or ROLE. before it")
        (of_roles.setdefault(role, {}) if role else bounds)[BUDGETS[kind]] = value
    return bounds, of_roles


def _price(name: str, value: str) -> tuple[str, dict[str, str]]:
    prompt, comma, completion = value.partition(",")
    if not comma:
        raise UserError(f"{value!r} is not two prices", "--llm-price", "give NAME=IN,OUT in dollars a million tokens")
    return name.removeprefix("openai:"), {"prompt": prompt.strip(), "completion": completion.strip()}


def _pairs(asked: Sequence[str], option: str, example: str) -> list[tuple[str, str]]:
    found = []
    for pair in asked:
        # The value has the last word: names of models may hold an equals sign, prices and budgets may not.
        name, equals, value = pair.partition("=") if option == "--llm-role" else pair.rpartition("=")
        if not equals or not name.strip() or not value.strip():
            raise UserError(f"{pair!r} is not name=value", option, f"for instance {example}")
        found.append((name.strip(), value.strip()))
    return found
