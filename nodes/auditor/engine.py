"""From a sealed folder to a verdict: every rule once, each behind its own guard."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from nodes.auditor.case import Case
from nodes.auditor.conclusion import conclude
from nodes.auditor.needs import missing
from nodes.auditor.record import record
from nodes.auditor.rule import Outcome, Rule, Unverifiable
from nodes.auditor.rules import RULES
from nodes.auditor.verdict import Action, Evidence, EvidenceDigest, Finding, Note, Severity, Verdict
from nodes.auditor.view import SealedView
from tools.errors import UserError
from tools.evidence.canonical import file_digest

RULE_SECONDS = 60.0
MAX_FINDINGS = 40
"""Per rule: a thousand equal findings say no more than forty."""


class OutOfTimeError(Exception):
    """A rule used up its time."""


def evaluate(folder: Path, rules: Sequence[Rule] = RULES, rule_seconds: float = RULE_SECONDS) -> Verdict:
    """Judge a sealed folder. Raises ``UserError`` when it holds no usable request."""
    view = SealedView(folder)
    request = view.request
    if request is None:
        raise UserError("no usable request.json", folder.name, "give a folder that the seal made")
    case = Case(view, request)
    findings: list[Finding] = []
    notes: list[Note] = []
    degraded: list[str] = []
    for rule in rules:
        if request.scope not in rule.scopes:
            continue
        try:
            with _limit(rule_seconds):
                outcomes = _ask(rule, case)
        except Exception as cause:  # whatever a rule stumbles over must not stop the others
            degraded.append(rule.id)
            findings.append(_degraded(rule, cause))
            continue
        for outcome in outcomes[:MAX_FINDINGS]:
            record(rule.id, rule.modes, outcome, findings, notes)
    return conclude(case, findings, notes, degraded, digests(folder))


def digests(folder: Path) -> tuple[EvidenceDigest, ...]:
    """sha256 of every file of a sealed folder, by path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple(EvidenceDigest(file=path.relative_to(folder).as_posix(), sha256=file_digest(path)) for path in paths)


def _ask(rule: Rule, case: Case) -> list[Outcome]:
    absent = missing(case, rule.needs)
    if absent:
        files = tuple(Evidence(file=path) for path in absent[:5])
        return [Unverifiable(", ".join(absent[:5]), files, rule.missing)]
    return list(rule.check(case))


def _degraded(rule: Rule, cause: Exception) -> Finding:
    return Finding(
        rule=rule.id,
        severity=Severity.FAIL if rule.gate else Severity.FLAG,
        expected="the rule to reach an answer",
        observed=f"degraded: {type(cause).__name__}",
        action=Action.REMEASURE if rule.gate else Action.FLAG,
        advice="report this with the sealed folder; what the rule covers was not judged",
        modes=rule.modes,
        code="degraded",
    )


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Raise ``OutOfTimeError`` after ``seconds``. Only the main thread can be interrupted; elsewhere there is none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGALRM, _out_of_time)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _out_of_time(_signal: int, _frame: FrameType | None) -> None:
    raise OutOfTimeError
