"""``judge.json``: what the judge said about one sealed folder. It stands beside the verdict and never in it."""

from __future__ import annotations

from bankable.nodes.auditor.verdict import Finding, Word, word_of
from bankable.tools.evidence.canonical import canonical
from bankable.tools.evidence.records import Digest, Record
from bankable.tools.evidence.request import Request
from bankable.tools.llm.outcome import Kind

JUDGE_SCHEMA = 1
NAME = "judge.json"


class Vote(Record):
    """One vote, and what was left of it."""

    outcome: Kind
    detail: str = ""
    """Why there is no answer."""
    verdict: str | None = None
    """The word that it gave; without effect."""
    accusations: int = 0
    supported: int = 0
    """Accusations with a quote that holds."""
    invented: int = 0
    """Quotes that do not stand where they are said to, or show too little."""
    requests: int = 0
    """Sent for this vote."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False


class Shown(Record):
    """A file that the judge saw something of."""

    file: str
    lines: int


class JudgeRecord(Record):
    """The judge's result. Holds no time and no text of a prompt or of the evidence beyond its findings."""

    schema_version: int = JUDGE_SCHEMA
    request: Request
    evidence: Digest | None
    """Over paths and digests of the sealed files; ``None`` when nothing could be read."""
    model: str
    judge: Digest | None = None
    """Of the judge's code, prompt and skill: with the model, all that a vote depends on beyond the evidence."""
    prompt: Digest | None = None
    """Of the judge's prompt file."""
    skill: Digest | None = None
    """Of the auditor's skill."""
    votes: tuple[Vote, ...] = ()
    shown: tuple[Shown, ...] = ()
    left_out: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    degraded: str = ""
    """Why nothing was judged; empty when it was."""

    @property
    def word(self) -> Word:
        """What a PASS is lowered to."""
        return word_of(self.findings)

    @property
    def invented(self) -> int:
        """Quotes that were dropped."""
        return sum(vote.invented for vote in self.votes)

    def to_bytes(self) -> bytes:
        """Canonical JSON, one line."""
        return canonical(self.model_dump(mode="json")) + b"\n"
