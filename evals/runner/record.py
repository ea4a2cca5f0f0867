"""One line of a result file: an auditor's verdict on one fixture. Nothing in it comes from an answer key."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from bankable.evals.fixtures.model import Fixture
from bankable.nodes.auditor.verdict import Action, Severity, Verdict, Word
from bankable.tools.evidence.canonical import digest
from bankable.tools.evidence.records import Record


class JudgedFinding(Record):
    """One finding, with the fields that are compared with a key."""

    rule: str
    """Id of the rule that found it."""
    severity: Severity
    """Severity that the rule gave it."""
    code: str
    """Stable identifier for programs, as in ``Finding.code``."""
    modes: tuple[str, ...]
    """Ids of the failure modes that it covers, such as ``C01``."""
    observed: str
    """Observation in the evidence, in one sentence."""


class JudgeCalls(Record):
    """The requests to a language model about one fixture, and their result."""

    model: str
    """Name of the language model."""
    skill: str
    """sha256 of the skill in its prompt."""
    votes: int
    """Number of independent votes that the model was asked for."""
    word: Word
    """To which its accusations lower a PASS."""
    concerns: tuple[str, ...]
    """Of the accusations that count, sorted."""
    degraded: str = ""
    """Reason when nothing was judged; otherwise empty."""
    requests: int
    """Number of requests sent, over all votes, repeated ones too."""
    prompt_tokens: int
    """Tokens of all prompts together."""
    completion_tokens: int
    """Tokens of all answers together."""
    estimated: bool
    """The server gave no usable counts at least once."""
    cost: float | None
    """US dollars; ``None`` without a price."""
    seconds: float
    """Time of the judge alone, in seconds."""


class Judgment(Record):
    """One verdict."""

    fixture: str
    """Id of the fixture."""
    scope: str
    """Scope that the fixture was judged in."""
    auditor: str
    """Name of the auditor: the rules, or a judge with its model, votes and digest."""
    seed: int
    """Of the evidence."""
    repeat: int
    """0-based number of the audit of the same evidence."""
    evidence: str
    """sha256 over the sealed folder."""
    ruleset: str
    """sha256 over the sources of the rules, as in ``Verdict.ruleset``."""
    word: Word
    """Verdict on the fixture."""
    action: Action
    """Action that the verdict advises."""
    lever_class: str = ""
    """As the verdict credits the gain; empty in results of an earlier version."""
    findings: tuple[JudgedFinding, ...]
    """Findings of the verdict, in its order."""
    degraded: tuple[str, ...]
    """Rules that raised or ran out of time."""
    verdict: str
    """sha256 of the verdict's bytes."""
    seconds: float
    """Time of the audit alone, in seconds: the auditor's process from start to end."""
    gate: str | None = None
    """sha256 of the rules' own verdict, where a judge could take part; ``None`` where only one of the two was run."""
    asked: JudgeCalls | None = None
    """``None`` where no judge was asked: without one, and after a FAIL of the rules."""
    cached: bool = False
    """Taken over from an earlier audit of the same evidence by the same rules; ``seconds`` is that one's."""

    @property
    def alone(self) -> bool:
        """Whether it is by a judge without the rules."""
        return self.asked is not None and self.gate is None

    @property
    def gates(self) -> str | None:
        """sha256 of the verdict of the objective gates; ``None`` without one."""
        return None if self.alone else self.gate or self.verdict


@dataclass(frozen=True)
class Heard:
    """The complete result for one sealed folder."""

    verdict: Verdict
    gate: Verdict | None = None
    """The rules' own, where a judge could add to it."""
    asked: JudgeCalls | None = None


@dataclass(frozen=True)
class JudgmentSource:
    """Where a verdict came from; the fields are those of ``Judgment``."""

    auditor: str
    seed: int
    repeat: int
    evidence: str
    seconds: float


def judgment(fixture: Fixture, heard: Heard, source: JudgmentSource) -> Judgment:
    """The stored part of a verdict."""
    verdict = heard.verdict
    return Judgment(
        **asdict(source),
        fixture=fixture.id,
        scope=fixture.scope,
        ruleset=verdict.ruleset,
        word=verdict.verdict,
        action=verdict.action,
        lever_class=verdict.lever_class,
        findings=tuple(
            JudgedFinding(
                rule=finding.rule,
                severity=finding.severity,
                code=finding.code,
                modes=finding.modes,
                observed=finding.observed,
            )
            for finding in verdict.findings
        ),
        degraded=verdict.degraded,
        verdict=digest(verdict.to_bytes()),
        gate=digest(heard.gate.to_bytes()) if heard.gate is not None else None,
        asked=heard.asked,
    )
