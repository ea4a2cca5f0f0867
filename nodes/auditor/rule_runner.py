"""Checks asked one by one, each behind its own guard and within its own budget, and the verdict that comes of it.

Whatever goes wrong in a check is a ``degraded`` finding, and the rest goes on: what the check covers was not judged,
and the verdict says so. A check that is part of the derivation itself (a gate) withholds when it cannot answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from bankable.nodes.auditor.budget import OutOfTimeError, budget
from bankable.nodes.auditor.record import record
from bankable.nodes.auditor.rule import Found, NotApplicable, NotShown, Outcome, Remark, Unverifiable
from bankable.nodes.auditor.ruleset import ruleset_digest
from bankable.nodes.auditor.verdict import (
    Action,
    EvidenceDigest,
    Finding,
    LeverClass,
    LeverPart,
    Metric,
    Note,
    Severity,
    Verdict,
    Word,
    action_of,
    word_of,
)
from bankable.tools.evidence.request import Request

SECONDS = 60.0
"""For one check."""
MAX_FINDINGS = 40
"""Per check: a thousand findings say no more than forty."""
MAX_OUTCOMES = 100_000


class TooManyOutcomesError(Exception):
    """A check does not come to an end."""


@dataclass(frozen=True)
class Figures:
    """What a verdict says beyond its findings; as it stands, that nothing could be derived."""

    headline: str = "nothing could be derived from the evidence"
    lever_class: LeverClass = "indeterminate"
    parts: tuple[LeverPart, ...] = ()
    kernel_win: bool = False
    metrics: tuple[Metric, ...] = ()


@dataclass
class Inquiry:
    """Findings and notes as the checks give them."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)

    @property
    def word(self) -> Word:
        """The verdict's one word, as it stands."""
        return word_of(tuple(self.findings))

    def ask(
        self,
        rule: str,
        check: Callable[[], Iterable[Outcome]],
        *,
        modes: tuple[str, ...] = (),
        gate: bool = False,
        seconds: float = SECONDS,
    ) -> None:
        """Ask one check. It answers as a whole or not at all."""
        findings: list[Finding] = []
        notes: list[Note] = []
        if self.attempt(rule, lambda: _answers(rule, modes, check, findings, notes), seconds, modes=modes, gate=gate):
            self.findings += findings
            self.notes += notes

    def attempt(
        self, name: str, work: Callable[[], object], seconds: float, *, modes: tuple[str, ...] = (), gate: bool = True
    ) -> bool:
        """Do something within its time, and whether that went well. Only the user's own interruption passes through."""
        try:
            with budget(seconds):
                work()
        except KeyboardInterrupt:
            raise
        except BaseException as cause:  # whatever a check stumbles over, memory and recursion too, stops no other
            self.degraded.append(name)
            self.findings.append(_degraded(name, cause, modes, gate=gate))
            return False
        return True

    def verdict(self, request: Request, evidence: tuple[EvidenceDigest, ...], figures: Figures) -> Verdict:
        """What was found, and one word and action that follow from it. What two checks say alike stands once."""
        found = tuple(dict.fromkeys(self.findings))
        return Verdict(
            scope=request.scope,
            subject=request.subject,
            attempt=request.attempt,
            request=request,
            verdict=self.word,
            action=action_of(self.word, found),
            lever_class=figures.lever_class,
            lever_decomposition=figures.parts,
            counts_as_kernel_win=figures.kernel_win,
            headline=figures.headline,
            metrics=figures.metrics,
            findings=found,
            notes=tuple(dict.fromkeys(self.notes)),
            degraded=tuple(self.degraded),
            evidence=evidence,
            ruleset=ruleset_digest(),
        )


def _answers(
    rule: str,
    modes: tuple[str, ...],
    check: Callable[[], Iterable[Outcome]],
    findings: list[Finding],
    notes: list[Note],
) -> None:
    outcomes = list(islice(check(), MAX_OUTCOMES + 1))
    if len(outcomes) > MAX_OUTCOMES:
        raise TooManyOutcomesError
    for outcome in outcomes:
        if not isinstance(outcome, Found | Unverifiable | NotShown | NotApplicable | Remark):
            raise TypeError("an outcome of no kind")
    for outcome in heaviest(outcomes):
        record(rule, modes, outcome, findings, notes)
    if len(outcomes) > MAX_FINDINGS:
        notes.append(Note(rule=rule, kind="remark", text=f"{len(outcomes) - MAX_FINDINGS} more like these"))


def heaviest(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """At most ``MAX_FINDINGS`` of them, in their order: a FAIL is never the one that is left out."""
    order = list(Severity)
    weights = [
        order.index(outcome.severity) if isinstance(outcome, Found | Unverifiable | NotShown) else len(order)
        for outcome in outcomes
    ]
    kept = sorted(sorted(range(len(outcomes)), key=lambda index: (weights[index], index))[:MAX_FINDINGS])
    return [outcomes[index] for index in kept]


def _degraded(name: str, cause: BaseException, modes: tuple[str, ...], *, gate: bool) -> Finding:
    why = "OutOfTime" if isinstance(cause, OutOfTimeError) else type(cause).__name__
    return Finding(
        rule=name,
        severity=Severity.FAIL if gate else Severity.FLAG,
        expected="an answer within the budget",
        observed=f"degraded: {why}",
        action=Action.REMEASURE if gate else Action.FLAG,
        advice="report this with the evidence; what this covers was not judged",
        modes=modes,
        code="degraded",
    )
