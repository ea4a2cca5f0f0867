"""``judge.json``: the judge's result on one sealed folder, stored beside ``verdict.json``."""

from __future__ import annotations

from bankable.nodes.auditor.verdict import Finding, Word, word_of
from bankable.tools.evidence.canonical import canonical
from bankable.tools.evidence.records import Digest, Record
from bankable.tools.evidence.request import Request
from bankable.tools.llm.outcome import Kind

JUDGE_SCHEMA = 1
NAME = "judge.json"


class Vote(Record):
    """One vote, and how much of it was verified."""

    outcome: Kind
    """Whether the model answered, or why not."""
    detail: str = ""
    """Reason when there is no answer."""
    verdict: str | None = None
    """PASS, FLAG or FAIL as the vote gave it; has no effect."""
    accusations: int = 0
    """Accusations in the answer."""
    supported: int = 0
    """Accusations with at least one verified quote."""
    invented: int = 0
    """Quotes that do not match the evidence, or are too short."""
    requests: int = 0
    """Requests sent for this vote."""
    prompt_tokens: int = 0
    """Tokens of all prompts."""
    completion_tokens: int = 0
    """Tokens of all answers."""
    estimated: bool = False
    """Whether the token counts are estimates."""


class ShownFile(Record):
    """A file that the judge was shown, in whole or in part."""

    file: str
    """Path in the sealed folder."""
    lines: int
    """Number of lines shown."""


class JudgeRecord(Record):
    """The judge's result. Holds no times, and no text of prompt or evidence except in its findings."""

    schema_version: int = JUDGE_SCHEMA
    """Version of this record."""
    request: Request
    """What was judged."""
    evidence: Digest | None
    """sha256 over paths and digests of the sealed files; ``None`` when nothing could be read."""
    model: str
    """Name of the model at its endpoint."""
    judge: Digest | None = None
    """sha256 of the judge's code, prompt and skill."""
    prompt: Digest | None = None
    """sha256 of the judge's prompt file."""
    skill: Digest | None = None
    """sha256 of the auditor's skill."""
    votes: tuple[Vote, ...] = ()
    """Every vote that was asked for."""
    shown: tuple[ShownFile, ...] = ()
    """Files that the judge was shown."""
    left_out: tuple[str, ...] = ()
    """Files that were left out."""
    findings: tuple[Finding, ...] = ()
    """Findings that enough votes share."""
    degraded: str = ""
    """Reason when nothing was judged; otherwise empty."""

    @property
    def verdict(self) -> Word:
        """What a PASS is lowered to."""
        return word_of(self.findings)

    @property
    def invented(self) -> int:
        """Number of quotes that were dropped."""
        return sum(vote.invented for vote in self.votes)

    def to_bytes(self) -> bytes:
        """Canonical JSON, one line."""
        return canonical(self.model_dump(mode="json")) + b"\n"
