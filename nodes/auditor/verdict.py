"""The record of an audit: findings, notes, recomputed metrics and the verdict, in canonical bytes."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from bankable.tools.evidence.canonical import canonical
from bankable.tools.evidence.records import Record
from bankable.tools.evidence.request import Request

VERDICT_SCHEMA = 1
LeverClass = Literal["A", "B", "indeterminate"]


class Severity(StrEnum):
    """How much a finding weighs. One FAIL is final."""

    FAIL = "FAIL"
    FLAG = "FLAG"
    INFO = "INFO"


class Word(StrEnum):
    """The verdict, strongest first."""

    FAIL = "FAIL"
    FLAG = "FLAG"
    PASS = "PASS"


class Action(StrEnum):
    """What the machine should do next, in falling order of weight."""

    REVERT = "revert"
    """The candidate is slower than the reference: go back to the reference."""
    EJECT = "eject"
    """The lever is not banked; measuring again would not help."""
    REDO = "redo"
    """The producer's work is wrong: repeat it with the reasons in mind."""
    REMEASURE = "remeasure"
    """The evidence cannot carry the claim: measure again."""
    STACK = "stack"
    """Faster in isolation, too small to be shown in the server: no gain, but it may be validated with others."""
    DOWNGRADE_HEADLINE = "downgrade_headline"
    REPLACE_HEADLINE = "replace_headline_with_e2e"
    FLAG = "flag"
    PASS = "pass"


class Evidence(Record):
    """Where in the sealed folder something stands."""

    file: str
    """Path relative to the sealed folder, with forward slashes."""
    line: int | None = None
    """1-based; ``None`` for a whole file."""


class Finding(Record):
    """One thing that one rule found, with what to do about it."""

    rule: str
    """Id of the rule."""
    severity: Severity
    """How much it weighs in the verdict."""
    expected: str
    """What the rule requires, in one sentence."""
    observed: str
    """What the evidence shows instead, in one sentence."""
    evidence: tuple[Evidence, ...] = ()
    """Places in the sealed folder that show it."""
    action: Action
    """What the producer's machine should do about it."""
    advice: str
    """One sentence for the producer: how to resolve this finding honestly."""
    modes: tuple[str, ...] = ()
    """Failure modes that this finding covers, such as ``C01``."""
    code: str = ""
    """Stable identifier for programs, such as ``unverifiable_noncoherent_reference``."""


class Note(Record):
    """Something that was not judged, and why."""

    rule: str
    """Id of the rule."""
    kind: Literal["not_applicable", "unverifiable", "remark"]
    """``not_applicable``: nothing of this kind to judge. ``unverifiable``: there is, but a record is missing."""
    text: str
    """The reason or the remark, in one sentence."""


class Interval(Record):
    """One-sided bounds at the level of the deciding look, as fractions."""

    lower: float
    """Lower bound of the gain, as a fraction."""
    upper: float
    """Upper bound of the gain, as a fraction."""


class Metric(Record):
    """A number of both legs, recomputed from per-request records."""

    name: str
    """Name of the metric, such as ``output_throughput``."""
    unit: str
    """Unit of ``reference`` and ``candidate``: ``tok/s``, ``req/s``, ``ms`` or ``µs``."""
    reference: float | None
    """Value of the reference side, in ``unit``: median over launches; ``None`` when no record gives it."""
    candidate: float | None
    """Value of the candidate side, in ``unit``; ``None`` when no record gives it."""
    delta: float | None = None
    """Mean gain over the blocks as a fraction; positive means that the candidate's number is larger."""
    interval: Interval | None = None
    """Bounds of ``delta``; ``None`` when the metric was measured too few times."""


class LeverPart(Record):
    """One lever's part of a gain."""

    lever: str
    """``name=value``; ``interaction`` for the joint gain of the levers beyond their parts."""
    lever_class: LeverClass
    """A: the same work done faster. B: an algorithmic or serving lever."""
    gain: float | None
    """As a fraction, on top of the parts before it; ``None`` when no record gives it."""
    interval: Interval | None = None
    """Bounds of ``gain``; ``None`` when no record gives them."""
    basis: str
    """Comparison or verdict that it was measured in."""


class EvidenceDigest(Record):
    """A file that the verdict was derived from."""

    file: str
    """Path relative to the sealed folder, with forward slashes."""
    sha256: str
    """sha256 of the file's bytes, as hexadecimal digits."""


class Verdict(Record):
    """``verdict.json``. Holds no time, path or duration, so the same evidence gives the same bytes."""

    schema_version: int = VERDICT_SCHEMA
    """Version of this format."""
    scope: str
    """What kind of claim was judged, as in ``request``."""
    subject: str
    """What was judged, as in ``request``: a comparison, a profile or an operator."""
    attempt: int
    """1-based number of the attempt that was judged."""
    request: Request
    """What the auditor was asked to judge."""
    verdict: Word
    """The strongest severity among the findings; PASS without any FAIL or FLAG."""
    action: Action
    """The heaviest action among the findings that made the verdict."""
    lever_class: LeverClass
    """A: the same work done faster. B: an algorithmic or serving lever. ``indeterminate``: no record tells."""
    counts_as_kernel_win: bool
    """A gain of class A, shown to be real and not withheld by the verdict."""
    lever_decomposition: tuple[LeverPart, ...] = ()
    """The gain part by part, in the order in which the levers were stacked."""
    headline: str
    """The sentence that the evidence supports, in place of the producer's."""
    metrics: tuple[Metric, ...] = ()
    """Recomputed metrics; the figures of the producer are not copied."""
    findings: tuple[Finding, ...] = ()
    """All findings, of every severity."""
    notes: tuple[Note, ...] = ()
    """What was not judged, and remarks that weigh nothing."""
    degraded: tuple[str, ...] = ()
    """Rules that raised or ran out of time; their subject was not judged."""
    evidence: tuple[EvidenceDigest, ...] = ()
    """Every file of the sealed folder with its digest."""
    ruleset: str
    """sha256 over the sources of the rules and of the statistics that they use."""

    def to_bytes(self) -> bytes:
        """Canonical JSON, one line."""
        return canonical(self.model_dump(mode="json")) + b"\n"


def word_of(findings: tuple[Finding, ...]) -> Word:
    """FAIL before FLAG before PASS."""
    severities = {finding.severity for finding in findings}
    if Severity.FAIL in severities:
        return Word.FAIL
    return Word.FLAG if Severity.FLAG in severities else Word.PASS


def action_of(word: Word, findings: tuple[Finding, ...]) -> Action:
    """The heaviest action among the findings that determined the verdict."""
    if word is Word.PASS:
        return Action.PASS
    actions = {finding.action for finding in findings if finding.severity == word.value}
    return next(action for action in Action if action in actions)
