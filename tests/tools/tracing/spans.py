"""Small spans for the tests of exporters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from langsmith import uuid7

from bankable.tools.tracing.span import Span, SpanScore

BEGAN = datetime(2026, 11, 22, 10, 0, 0, 123456, UTC)
ENDED = BEGAN + timedelta(seconds=2.5)


def run_of(session: str = "r1") -> Span:
    """A run that has begun."""
    known = {"run_id": "r1", "session_id": session, "replay": False, "resumed": False}
    return Span(
        id=uuid7(), kind="run", name="bankable run", began=BEGAN, session=session, attributes=known, tags=("run:r1",)
    )


def within(around: Span, kind: str = "node", name: str = "audit_patch", **changes: object) -> Span:
    """A span inside another one."""
    made = Span(id=uuid7(), kind="node", name=name, began=BEGAN, session=around.session, trail=around.within)
    return replace(made, **{"kind": kind, **changes})  # type: ignore[arg-type]  # a builder


def audit_in(around: Span, word: str = "FAIL", value: float = 0.0) -> Span:
    """An audit that has ended."""
    known = {"scope": "patch", "rules": ("a", "b"), "attempt": 2}
    return within(
        around,
        "audit",
        "audit patch: x",
        ended=ENDED,
        attributes=known,
        tags=("scope:patch", f"verdict:{word}"),
        score=SpanScore("verdict.patch", value, word, "why"),
        outputs={"findings": ["one"]},
    )


def call_in(around: Span, **changes: object) -> Span:
    """A request to a model."""
    known = {
        "role": "judge",
        "model": "m1",
        "outcome": "answered",
        "request": 1,
        "input_tokens": 100,
        "output_tokens": 20,
        "estimated": False,
        "cost_usd": 0.25,
    }
    return within(around, "llm", "judge: m1", ended=ENDED, attributes=known, **changes)


def ended(span: Span) -> Span:
    return replace(span, ended=ENDED)
