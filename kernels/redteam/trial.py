"""State of a candidate in the bench, and its line of results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bankable.kernels.build.compiler import Compiled
from bankable.kernels.redteam.audit import WrittenAttempt
from bankable.kernels.redteam.candidates import RedTeamCandidate
from bankable.tools.evidence.records import Record

Outcome = Literal["caught", "missed", "accepted", "accused", "harness_error"]
"""Hostile: ``caught`` or ``missed``. Honest: ``accepted`` or ``accused``. ``harness_error``: not judged."""


class RedTeamResult(Record):
    """A line of ``hostile.jsonl``."""

    id: str
    """``<family>/<technique>``."""
    family: str
    """Operator family whose kernel it is made of."""
    technique: str
    """Name of the attack, ``honest``, or ``forged: <forgery>``."""
    modes: tuple[str, ...]
    """Failure modes that it tries; none for an honest one."""
    outcome: Outcome
    """Outcome of the harness for it."""
    layers: dict[str, str]
    """Reason of each layer that refused it (``compiler``, ``reading``, ``containment``, ``correctness``, ``timing``,
    ``audit``), the first one first."""
    gain: float | None = None
    """Speed-up that would have been accepted, as a factor; ``None`` where it was not measured."""


@dataclass
class RedTeamTrial:
    """State of a candidate so far."""

    candidate: RedTeamCandidate
    layers: dict[str, str] = field(default_factory=dict)
    """See ``RedTeamResult``."""
    kernel: Compiled | None = None
    """Set once the candidate may be timed."""
    attempt: WrittenAttempt | None = None
    """Set once it was timed."""
    rules: tuple[str, ...] = ()
    """Rules of the auditor that found something."""
    failed: str = ""
    """Why the harness could not judge it."""

    def result(self) -> RedTeamResult:
        """The outcome, by the layers that refused it."""
        candidate = self.candidate
        if self.failed:
            outcome: Outcome = "harness_error"
            self.layers["harness"] = self.failed
        elif candidate.hostile:
            outcome = "caught" if self.layers else "missed"
        else:
            outcome = "accused" if self.layers else "accepted"
        believed = self.attempt is not None and self.attempt.claim.outcome == "winner"
        return RedTeamResult(
            id=candidate.id,
            family=candidate.family,
            technique=candidate.technique,
            modes=candidate.modes,
            outcome=outcome,
            layers=self.layers,
            gain=self.attempt.claim.speedup if self.attempt is not None and believed else None,
        )
