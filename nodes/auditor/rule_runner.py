"""Runs checks one by one, each with its own exception guard and time budget, and assembles the verdict.

A check that raises or times out becomes a ``degraded`` finding and the others still run: what it covers was not judged,
and the verdict says so. A check that is part of the derivation itself (a gate) gives FAIL when it cannot complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from bankable.nodes.auditor.budget import OutOfTimeError, budget
from bankable.nodes.auditor.record import record
from bankable.nodes.auditor.rule import Found, NotApplicable, Outcome, Remark, Unverifiable
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
"""Time budget of one check."""
MAX_FINDINGS = 40
"""Per check, the most severe first."""
MAX_OUTCOMES = 100_000


class TooManyOutcomesError(Exception):
    """A check yields more than ``MAX_OUTCOMES`` outcomes."""


@dataclass(frozen=True)
class VerdictFigures:
    """The fields of a verdict beside its findings. The defaults mean that nothing could be derived."""

    headline: str = "nothing could be derived from the evidence"
    lever_class: LeverClass = "indeterminate"
    parts: tuple[LeverPart, ...] = ()
    kernel_win: bool = False
    metrics: tuple[Metric, ...] = ()


@dataclass
class RuleRun:
    """Collects the findings and notes of the checks that it runs."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    imported: bool = False
    """Whether the evidence is another tool's files."""

    @property
    def verdict(self) -> Word:
        """PASS, FLAG or FAIL over the findings so far."""
        return word_of(tuple(self.findings))

    def run(
        self,
        rule: str,
        check: Callable[[], Iterable[Outcome]],
        *,
        modes: tuple[str, ...] = (),
        gate: bool = False,
        seconds: float = SECONDS,
    ) -> None:
        """Run one check. Its outcomes are recorded only when it completes."""
        findings: list[Finding] = []
        notes: list[Note] = []
        if self.attempt(
            rule, lambda: self._collect(rule, modes, check, findings, notes), seconds, modes=modes, gate=gate
        ):
            self.findings += findings
            self.notes += notes

    def attempt(
        self, name: str, work: Callable[[], object], seconds: float, *, modes: tuple[str, ...] = (), gate: bool = True
    ) -> bool:
        """Call ``work`` within ``seconds`` and return whether it completed. Only ``KeyboardInterrupt`` is re-raised."""
        try:
            with budget(seconds):
                work()
        except KeyboardInterrupt:
            raise
        except BaseException as cause:  # MemoryError and RecursionError too: one check never stops another
            self.degraded.append(name)
            self.findings.append(_report_degraded(name, cause, modes, gate=gate))
            return False
        return True

    def to_verdict(self, request: Request, evidence: tuple[EvidenceDigest, ...], figures: VerdictFigures) -> Verdict:
        """The verdict over all findings so far, equal findings and notes merged."""
        findings = tuple(dict.fromkeys(self.findings))
        return Verdict(
            scope=request.scope,
            subject=request.subject,
            attempt=request.attempt,
            request=request,
            verdict=self.verdict,
            action=action_of(self.verdict, findings),
            lever_class=figures.lever_class,
            lever_decomposition=figures.parts,
            counts_as_kernel_win=figures.kernel_win,
            headline=figures.headline,
            metrics=figures.metrics,
            findings=findings,
            notes=tuple(dict.fromkeys(self.notes)),
            degraded=tuple(self.degraded),
            evidence=evidence,
            ruleset=ruleset_digest(),
        )

    def _collect(
        self,
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
            if not isinstance(outcome, Found | Unverifiable | NotApplicable | Remark):
                raise TypeError(f"not an outcome: {type(outcome).__name__}")
        for outcome in select_heaviest(outcomes):
            record(rule, modes, outcome, findings, notes, imported=self.imported)
        if len(outcomes) > MAX_FINDINGS:
            notes.append(
                Note(rule=rule, kind="remark", text=f"{len(outcomes) - MAX_FINDINGS} more outcomes not listed")
            )


def select_heaviest(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """At most ``MAX_FINDINGS`` outcomes, the most severe ones, in their original order."""
    order = list(Severity)
    weights = [
        order.index(outcome.severity) if isinstance(outcome, Found | Unverifiable) else len(order)
        for outcome in outcomes
    ]
    indices = sorted(sorted(range(len(outcomes)), key=lambda index: (weights[index], index))[:MAX_FINDINGS])
    return [outcomes[index] for index in indices]


def _report_degraded(name: str, cause: BaseException, modes: tuple[str, ...], *, gate: bool) -> Finding:
    why = "OutOfTime" if isinstance(cause, OutOfTimeError) else type(cause).__name__
    return Finding(
        rule=name,
        severity=Severity.FAIL if gate else Severity.FLAG,
        expected="a check that completes within its time budget",
        observed=f"degraded: {why}",
        action=Action.REMEASURE if gate else Action.FLAG,
        advice="report this with the evidence; what this check covers was not judged",
        modes=modes,
        code="degraded",
    )
