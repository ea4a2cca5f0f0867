"""A person's word before a gain is banked or published: the machine stops there, and goes on with the answer."""

from __future__ import annotations

from typing import Literal

from langgraph.types import interrupt

from bankable.graph.config import RunConfig

Moment = Literal["bank", "bundle"]


class ApprovalNeeded(Exception):
    """The run waits for an answer; nothing is lost. Holds the question."""


def is_approved(config: RunConfig, moment: Moment, question: str) -> bool:
    """Yes at once, unless the run was asked to wait at this moment. Call it before anything of the step is done:
    the step is run again from its beginning when the answer is there."""
    return config.approve != moment or interrupt(question) is True
