"""Reported figures of a comparison in one form, from any kind of file: claims, never evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bankable.nodes.auditor.reading.reported import ReportedClaim
from bankable.tools.evidence.records import Lever, Side


@dataclass(frozen=True)
class StatedCondition:
    """A server argument that a claim asserts."""

    name: str
    value: str
    side: Side | None = None
    """``None``: for both legs."""


@dataclass(frozen=True)
class BenchmarkSummary:
    """Another tool's record of backends of one operator that it timed in isolation. Times in ms."""

    file: str
    winner: str | None
    winner_ms: float | None
    baseline: str | None
    baseline_ms: float | None
    speedup: float | None
    """Isolated speed-up of the winner, as a factor."""
    failed: bool
    """Whether the tool reports that its own harness failed."""


@dataclass(frozen=True)
class StoredClaim:
    """One file of claims."""

    file: str
    figures: Mapping[Side, Mapping[str, float | None]] = field(default_factory=dict)
    """By side, then by field of ``LatencySummary``; a null claims nothing (D06)."""
    delta: float | None = None
    """Gain as a fraction."""
    conditions: tuple[StatedCondition, ...] = ()
    isolated: Mapping[str, float | None] = field(default_factory=dict)
    """Isolated speed-ups as factors, by operator."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Stated share of an operator in the device time, as a fraction."""
    headline: str = ""
    lever: Lever | None = None
    kernel: bool = False
    """Whether the change is reported as a kernel's speed-up."""
    crashed: bool = False
    """Whether the claim states that the candidate's server died."""
    record: ReportedClaim | None = None
    """The whole ``claim.json``, where it is one."""


def stored_claim(file: str, record: ReportedClaim) -> StoredClaim:
    """A ``claim.json`` in the common form."""
    conditions = tuple(
        StatedCondition(name, value if isinstance(value, str) else str(value))
        for name, value in sorted(record.conditions.items())
        if value is not None
    )
    return StoredClaim(
        file,
        {Side.REFERENCE: record.reference, Side.CANDIDATE: record.candidate},
        record.delta,
        conditions,
        record.isolated,
        headline=record.headline,
        lever=record.lever,
        record=record,
    )
