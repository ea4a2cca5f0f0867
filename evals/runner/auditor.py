"""The auditors that can be run: the rules, in a process of their own, or in this one where only speed matters."""

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
"""From a sealed folder to the complete result."""


class Auditor(StrEnum):
    """Auditors that the command line offers."""

    RULES = "rules"
    JUDGE = "judge"
    BOTH = "both"


def judge(*, isolated: bool) -> Judge:
    """The rules: isolated in a fresh interpreter that is given the sealed folder alone, or in this process."""
    return audit_sealed if isolated else evaluate
