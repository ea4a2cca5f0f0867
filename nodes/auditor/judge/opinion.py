"""The schema of one vote, which the model's output must follow."""

from __future__ import annotations

from typing import Literal

from bankable.tools.evidence.records import Record

Concern = Literal["lever_class", "claim_mismatch", "coherence", "tampering", "other"]
"""What an accusation is about; see ``prompts/judge.md``."""


class Quote(Record):
    """A line of the evidence."""

    file: str
    """Path in the sealed folder, as shown."""
    line: int
    """Line number, 1-based."""
    text: str
    """The line's text, or at least twelve characters of it."""


class Accusation(Record):
    """One thing that the model holds against the claim."""

    concern: Concern
    """What it is about."""
    severity: Literal["FLAG", "FAIL"]
    """How severe the model considers it."""
    expected: str
    """What an honest change would show, in one sentence."""
    observed: str
    """What the evidence shows, in one sentence."""
    advice: str
    """What the producer should do, in one sentence."""
    quotes: tuple[Quote, ...]
    """Lines that show it; at least one has to be verified."""


class Opinion(Record):
    """An independent auditor's opinion on one sealed evidence folder."""

    verdict: Literal["PASS", "FLAG", "FAIL"]
    """Recorded, without effect: only accusations with verified quotes count."""
    findings: tuple[Accusation, ...]
    """Everything that the model holds against the claim; may be empty."""
