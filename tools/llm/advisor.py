"""The interface with which roles ask a model. The client libraries are loaded at the first question."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from bankable.tools.llm.outcome import CallOutcome
from bankable.tools.llm.settings import EndpointSettings
from bankable.tools.llm.toolbox import Toolbox

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Advisor:
    """Models by role, and the ledger of calls that all roles of a run share."""

    settings: EndpointSettings
    ledger: Path

    def ask(
        self, role: str, system: str, user: str, shape: type[M], toolbox: Toolbox = (), seconds: float = math.inf
    ) -> CallOutcome[M]:
        """One structured question, in so many seconds at most.

        Raises ``UserError`` only: no key, or a ledger that cannot be used.
        The ledger is read anew: the judge writes to it from a process of its own, out of the same budget.
        """
        from bankable.tools.llm.attempt import Prompt  # noqa: PLC0415 - heavy, and not needed without a model
        from bankable.tools.llm.client import Client  # noqa: PLC0415 - heavy, and not needed without a model
        from bankable.tools.llm.ledger import CallLedger  # noqa: PLC0415 - heavy, and not needed without a model

        return Client(self.settings, CallLedger(self.ledger)).ask_now(
            role, Prompt(system, user, toolbox), shape, seconds
        )
