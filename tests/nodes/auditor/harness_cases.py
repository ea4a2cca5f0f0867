"""How a doctored operator benchmark is judged: one edit, and what must be found because of it and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bankable.nodes.auditor.verdict import Action, Severity, Verdict, Word
from tests.nodes.auditor.builders import hits
from tests.nodes.auditor.harness_builders import judge_operator

Edit = Callable[[Path], object]


@dataclass(frozen=True)
class Fraud:
    """An edit of an honest operator benchmark that a rule must find."""

    name: str
    edit: Edit
    code: str
    mode: str
    action: Action = Action.REDO
    severity: Severity = Severity.FAIL
    also: frozenset[str] = frozenset()
    """Other rules that cannot help but notice."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Honest:
    """An edit that comes close to the border and stays on this side of it."""

    name: str
    edit: Edit

    def __str__(self) -> str:
        return self.name


def assert_found(folder: Path, rule: str, fraud: Fraud) -> Verdict:
    """The rule finds it with severity, action and mode; beside it, only ``also`` and the invariants object."""
    verdict = judge_operator(folder)
    found = [(hit.severity, hit.action, hit.code) for hit in hits(verdict, rule)]
    assert (fraud.severity, fraud.action, fraud.code) in found, found
    assert fraud.mode in {mode for item in hits(verdict, rule) if item.code == fraud.code for mode in item.modes}
    loud = {finding.rule for finding in verdict.findings if finding.severity is not Severity.INFO}
    assert loud <= {rule, "invariants_operators"} | fraud.also, [
        entry for entry in verdict.findings if entry.rule not in {rule} | fraud.also
    ]
    assert verdict.degraded == ()
    assert verdict.verdict is Word(fraud.severity.value)
    return verdict


def assert_passes(folder: Path) -> None:
    """Not one finding above INFO."""
    verdict = judge_operator(folder)
    assert verdict.verdict is Word.PASS, verdict.findings
    assert (verdict.action, verdict.degraded) == (Action.PASS, ())
