"""Who judges: the rules, in a process of their own for a run, in this one where only speed is asked for."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from bankable.evals.runner.record import Heard
from bankable.nodes.auditor.engine import evaluate
from bankable.nodes.auditor.process import audit_sealed
from bankable.nodes.auditor.verdict import Verdict

Judge = Callable[[Path], Verdict]
"""From a sealed folder to a verdict."""
Listen = Callable[[Path], Heard]
"""From a sealed folder to all that was said about it."""


class Auditor(StrEnum):
    """What a person can ask for."""

    RULES = "rules"
    JUDGE = "judge"
    BOTH = "both"


def judge(*, isolated: bool) -> Judge:
    """The rules: isolated in a fresh interpreter that is given the sealed folder alone, or in this process."""
    return audit_sealed if isolated else evaluate
