"""A span: one time interval of a run, with attributes for searching. Exporters read nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

Value = str | int | float | bool
SpanKind = Literal["run", "node", "audit", "llm"]

FIXED = frozenset(
    {
        "run_id",
        "session_id",
        "node",
        "step",
        "scope",
        "attempt",
        "verdict",
        "action",
        "rules",
        "loop",
        "answers_verdict",
        "track",
        "role",
        "outcome",
        "degraded",
        "replay",
        "resumed",
        "request",
        "status",
        "input_tokens",
        "output_tokens",
        "estimated",
        "cost_usd",
    }
)
"""Attributes whose values are numbers or this project's own words: nothing of a machine or a user can be in them."""
FREE = frozenset({"subject", "candidate", "lever", "operator", "model", "audit", "answers", "decisions"})
"""Attributes whose values come from settings, file names or servers: they are redacted."""
KEYS = FIXED | FREE
"""All attributes that are ever sent: ``metadata`` in LangSmith, ``bankable.…`` in OpenTelemetry."""
TAGS = frozenset({"run", "kind", "node", "scope", "verdict", "action", "rule", "loop", "role", "outcome"})
"""Tags that have a value, as in ``verdict:FAIL``."""
WORDS = frozenset({"replay", "resumed", "degraded", "waiting", "stopped"})
"""Tags that have none."""
SCORES: Mapping[str, float] = {"PASS": 1.0, "FLAG": 0.5, "FAIL": 0.0}
"""Feedback score of a verdict."""


@dataclass(frozen=True)
class SpanScore:
    """A verdict as a number, for viewers that plot and filter numbers."""

    key: str
    """``verdict.patch`` for an audit of scope ``patch``."""
    value: float
    label: str
    comment: str
    """The findings, one a line."""


@dataclass(frozen=True)
class Span:
    """As of now: ``ended`` is ``None`` while it lasts, and a later record of the same ``id`` takes this one's place."""

    id: UUID
    kind: SpanKind
    name: str
    began: datetime
    session: str
    """What the spans of a run share over all its processes."""
    trail: tuple[tuple[datetime, UUID], ...] = ()
    """Begin and id of the spans around it, outermost first."""
    ended: datetime | None = None
    attributes: Mapping[str, Value | tuple[str, ...]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    inputs: Mapping[str, object] = field(default_factory=dict)
    outputs: Mapping[str, object] = field(default_factory=dict)
    error: str = ""
    score: SpanScore | None = None

    def __post_init__(self) -> None:
        unknown = sorted(self.attributes.keys() - KEYS)
        assert not unknown, f"attributes that are in no list: {unknown}"

    @property
    def parent(self) -> UUID | None:
        """The span around it."""
        return self.trail[-1][1] if self.trail else None

    @property
    def root(self) -> UUID:
        """The outermost span."""
        return self.trail[0][1] if self.trail else self.id

    @property
    def within(self) -> tuple[tuple[datetime, UUID], ...]:
        """The trail of a span inside this one."""
        return (*self.trail, (self.began, self.id))


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)
