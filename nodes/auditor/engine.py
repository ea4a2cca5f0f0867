"""From a sealed folder to a verdict: every rule once, each behind its own guard and within its own budget.

Whatever goes wrong in a rule is a ``degraded`` finding, and the rest goes on: what the rule covers was not judged, and
the verdict says so. A rule that is part of the derivation itself (a gate) withholds when it cannot answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from nodes.auditor.budget import OutOfTimeError, budget
from nodes.auditor.case import Case
from nodes.auditor.conclusion import conclude
from nodes.auditor.needs import missing
from nodes.auditor.reading.ahead import read_ahead
from nodes.auditor.reading.view import SealedView
from nodes.auditor.record import plain, record
from nodes.auditor.rule import Found, NotApplicable, Outcome, Remark, Rule, Unverifiable
from nodes.auditor.rules import RULES
from nodes.auditor.ruleset import ruleset_digest
from nodes.auditor.verdict import (
    Action,
    Evidence,
    EvidenceDigest,
    Finding,
    Note,
    Severity,
    Verdict,
    action_of,
    word_of,
)
from tools.errors import UserError
from tools.evidence.canonical import file_digest
from tools.evidence.regular import regular_files

RULE_SECONDS = 60.0
READ_SECONDS = 480.0
"""For opening and parsing all evidence, before the first rule."""
MAX_FINDINGS = 40
"""Per rule: a thousand equal findings say no more than forty."""
MAX_OUTCOMES = 100_000
READING, CONCLUSION = "reading", "conclusion"
"""Names of the two steps that are no rules, in ``degraded``."""


class TooManyOutcomesError(Exception):
    """A rule does not come to an end."""


def evaluate(
    folder: Path,
    rules: Sequence[Rule] = RULES,
    rule_seconds: float = RULE_SECONDS,
    read_seconds: float = READ_SECONDS,
    jobs: int = 1,
) -> Verdict:
    """Judge a sealed folder with ``jobs`` processes. Raises ``UserError`` when it holds no usable request."""
    view = SealedView(folder)
    request = view.request
    if request is None:
        raise UserError("no usable request.json", folder.name, "give a folder that the seal made")
    case = Case(view, request)
    findings: list[Finding] = []
    notes: list[Note] = []
    degraded: list[str] = []
    if trouble := _guarded(read_seconds, lambda: read_ahead(view, jobs)):
        degraded.append(READING)
        findings.append(_degraded(READING, trouble, gate=True))
    for rule in rules:
        if request.scope not in rule.scopes:
            continue
        found: list[Finding] = []
        said: list[Note] = []
        if trouble := _guarded(rule_seconds, lambda: _judge(rule, case, found, said)):  # noqa: B023  # called at once
            degraded.append(rule.id)
            findings.append(_degraded(rule.id, trouble, gate=rule.gate, modes=rule.modes))
        else:
            findings += found
            notes += said
    evidence = digests(folder, view.reader.digests)
    concluded: list[Verdict] = []
    if trouble := _guarded(
        rule_seconds, lambda: concluded.append(_checked(conclude(case, findings, notes, degraded, evidence)))
    ):
        degraded.append(CONCLUSION)
        findings.append(_degraded(CONCLUSION, trouble, gate=True))
        return _without_figures(case, findings, notes, degraded, evidence)
    return concluded[0]


def digests(folder: Path, known: dict[str, str] | None = None) -> tuple[EvidenceDigest, ...]:
    """sha256 of every regular file of a sealed folder, by path; ``known`` has those that were read already."""
    known = known or {}
    return tuple(
        EvidenceDigest(file=name, sha256=known.get(name) or file_digest(path)) for name, path in regular_files(folder)
    )


def _guarded(seconds: float, work: Callable[[], object]) -> BaseException | None:
    """Do something within its time; what it raised, if anything. Only the user's own interruption passes through."""
    try:
        with budget(seconds):
            work()
    except KeyboardInterrupt:
        raise
    except BaseException as cause:  # whatever a rule stumbles over, memory and recursion too, must not stop the others
        return cause.with_traceback(None)
    return None


def _judge(rule: Rule, case: Case, findings: list[Finding], notes: list[Note]) -> None:
    absent = missing(case, rule.needs)
    if absent:
        files = tuple(Evidence(file=path) for path in absent[:5])
        outcomes: list[Outcome] = [Unverifiable(", ".join(absent[:5]), files, rule.missing)]
    else:
        outcomes = list(islice(rule.check(case), MAX_OUTCOMES + 1))
    if len(outcomes) > MAX_OUTCOMES:
        raise TooManyOutcomesError
    for outcome in outcomes:
        if not isinstance(outcome, Found | Unverifiable | NotApplicable | Remark):
            raise TypeError("an outcome of no kind")
    for outcome in heaviest(outcomes):
        record(rule.id, rule.modes, outcome, findings, notes)
    if len(outcomes) > MAX_FINDINGS:
        notes.append(Note(rule=rule.id, kind="remark", text=f"{len(outcomes) - MAX_FINDINGS} more like these"))


def heaviest(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """At most ``MAX_FINDINGS`` of them, in their order: a FAIL is never the one that is left out."""
    order = list(Severity)
    weights = [
        order.index(outcome.severity) if isinstance(outcome, Found | Unverifiable) else len(order)
        for outcome in outcomes
    ]
    kept = sorted(sorted(range(len(outcomes)), key=lambda index: (weights[index], index))[:MAX_FINDINGS])
    return [outcomes[index] for index in kept]


def _degraded(name: str, cause: BaseException, *, gate: bool, modes: tuple[str, ...] = ()) -> Finding:
    why = "OutOfTime" if isinstance(cause, OutOfTimeError) else type(cause).__name__
    return Finding(
        rule=name,
        severity=Severity.FAIL if gate else Severity.FLAG,
        expected="an answer within the budget",
        observed=f"degraded: {why}",
        action=Action.REMEASURE if gate else Action.FLAG,
        advice="report this with the sealed folder; what this covers was not judged",
        modes=modes,
        code="degraded",
    )


def _checked(verdict: Verdict) -> Verdict:
    """A verdict that can be printed, and has a canonical form: a figure that is no number raises here already."""
    verdict = verdict.model_copy(update={"headline": plain(verdict.headline)})
    verdict.to_bytes()
    return verdict


def _without_figures(
    case: Case, findings: list[Finding], notes: list[Note], degraded: list[str], evidence: tuple[EvidenceDigest, ...]
) -> Verdict:
    request, found = case.request, tuple(findings)
    word = word_of(found)
    return Verdict(
        scope=request.scope,
        subject=request.subject,
        attempt=request.attempt,
        request=request,
        verdict=word,
        action=action_of(word, found),
        lever_class="indeterminate",
        counts_as_kernel_win=False,
        headline="nothing could be derived from the evidence",
        findings=found,
        notes=tuple(notes),
        degraded=tuple(degraded),
        evidence=evidence,
        ruleset=ruleset_digest(),
    )
