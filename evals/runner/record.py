"""One line of a result file: what an auditor said about one fixture, once. Nothing in it comes from an answer key."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from evals.fixtures.model import Fixture
from nodes.auditor.verdict import Action, Severity, Verdict, Word
from tools.evidence.canonical import digest
from tools.evidence.records import Record


class Said(Record):
    """One finding, as far as it is held against a key."""

    rule: str
    severity: Severity
    code: str
    modes: tuple[str, ...]
    observed: str


class Judgment(Record):
    """One verdict."""

    fixture: str
    scope: str
    auditor: str
    seed: int
    """Of the evidence."""
    repeat: int
    """0-based."""
    evidence: str
    """sha256 over the sealed folder."""
    ruleset: str
    word: Word
    action: Action
    lever_class: str = ""
    """As the verdict credits the gain; empty in results of an earlier version."""
    findings: tuple[Said, ...]
    degraded: tuple[str, ...]
    verdict: str
    """sha256 of the verdict's bytes."""
    seconds: float
    """Of the audit alone: the auditor's process from start to end."""
    cached: bool = False
    """Taken over from an earlier audit of the same evidence by the same rules; ``seconds`` is that one's."""


@dataclass(frozen=True)
class Source:
    """Where a verdict came from; the fields are those of ``Judgment``."""

    auditor: str
    seed: int
    repeat: int
    evidence: str
    seconds: float


def judgment(fixture: Fixture, verdict: Verdict, source: Source) -> Judgment:
    """What is kept of a verdict."""
    return Judgment(
        **asdict(source),
        fixture=fixture.id,
        scope=fixture.scope,
        ruleset=verdict.ruleset,
        word=verdict.verdict,
        action=verdict.action,
        lever_class=verdict.lever_class,
        findings=tuple(
            Said(rule=it.rule, severity=it.severity, code=it.code, modes=it.modes, observed=it.observed)
            for it in verdict.findings
        ),
        degraded=verdict.degraded,
        verdict=digest(verdict.to_bytes()),
    )
