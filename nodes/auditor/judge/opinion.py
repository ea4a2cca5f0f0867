"""The schema of one vote, which the model's output must follow."""

from __future__ import annotations

from typing import Literal

from bankable.tools.evidence.records import Record

Concern = Literal["lever_class", "claim_mismatch", "coherence", "tampering", "other"]
"""What an accusation is about; see ``prompts/judge.md``."""


class Quote(Record):
    """A line of the evidence."""

    file: str
    line: int
    """1-based."""
    text: str


class Accusation(Record):
    """One thing that the model holds against the claim."""

    concern: Concern
    severity: Literal["FLAG", "FAIL"]
    expected: str
    observed: str
    advice: str
    quotes: tuple[Quote, ...]


class Opinion(Record):
    """An independent auditor's opinion on one sealed evidence folder."""

    verdict: Literal["PASS", "FLAG", "FAIL"]
    """Recorded, and without effect: only accusations with quotes that hold weigh anything."""
    findings: tuple[Accusation, ...]
