"""Configuration of language models for a run: which model plays which role, and cost limits. Holds no key."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from bankable.nodes.auditor.judge.orders import VOTES, Orders
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record
from bankable.tools.llm.key import key_for
from bankable.tools.llm.ledger import CALLS
from bankable.tools.llm.options import check_stray, settings_from
from bankable.tools.llm.settings import EndpointSettings
from bankable.tools.skills.front_matter import ROLES


class Llm(Record):
    """``llm`` in ``run.json``."""

    settings: EndpointSettings
    """Endpoint, limits and prices of the language models."""
    votes: int = Field(default=VOTES, ge=1, le=15)
    """Number of votes of the judge in each audit."""

    def orders(self, run: Path) -> Orders:
        """The judge's orders for the run in this folder."""
        return Orders(settings=self.settings, votes=self.votes, ledger=str((run / CALLS).resolve()))

    def check_keys(self, environ: Mapping[str, str] | None = None) -> None:
        """Check that every role has a key, at the start of the run. Raises ``UserError`` for a role without one."""
        for role in ROLES:
            key_for(role, self.settings.of(role), os.environ if environ is None else environ)


def llm_options(
    llm: str | None,
    base_url: str | None,
    roles: Sequence[str],
    budgets: Sequence[str],
    prices: Sequence[str],
    votes: int | None,
) -> Llm | None:
    """Configuration from command-line options; ``None`` without a model. Raises ``UserError`` for invalid ones."""
    if llm is None:
        check_stray(
            (
                ("--llm-base-url", base_url),
                ("--llm-role", roles),
                ("--llm-budget", budgets),
                ("--llm-price", prices),
                ("--judge-votes", votes),
            )
        )
        return None
    settings = settings_from(llm, base_url, roles=roles, budgets=budgets, prices=prices, known=ROLES)
    try:
        return Llm(settings=settings, votes=VOTES if votes is None else votes)
    except ValidationError:
        raise UserError(f"invalid value {votes} for --judge-votes", "", "use 1 to 15") from None
