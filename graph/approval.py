"""Human approval before a gain is banked or published: the run pauses and continues with the answer."""

from __future__ import annotations

from typing import Literal

from langgraph.types import interrupt

from bankable.graph.config import RunConfig

Moment = Literal["bank", "bundle"]


class ApprovalNeeded(Exception):
    """The run is paused until a person answers; finished work is kept. Holds the question."""


def is_approved(config: RunConfig, moment: Moment, question: str) -> bool:
    """Approve at once unless the run was configured to wait here.

    Call it before any other work of the step: after the answer, the step is run again from its beginning.
    """
    return config.approve != moment or interrupt(question) is True
