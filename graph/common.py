"""Helpers that the steps of the kernel track and of the settings track share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from langgraph.runtime import Runtime

from bankable.graph.audits import AuditSubject, audit, skip_audit
from bankable.graph.config import RunConfig
from bankable.graph.state import Decided, Judged, RunState
from bankable.tools.measurement.comparison import ComparisonResult
from bankable.tools.measurement.cost import comparison_seconds
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext

if TYPE_CHECKING:
    from bankable.tools.attest.signing_key import SigningKey


@dataclass(frozen=True)
class StepContext:
    """Handed to every step by LangGraph; not part of the checkpoint."""

    run: RunContext
    config: RunConfig
    key: SigningKey | None = None
    """Signs verdicts. Not part of ``run``, which is passed to producers."""


StepRuntime = Runtime[StepContext]


def stage(runtime: StepRuntime, name: str) -> RunContext:
    """Emit the event that a step starts."""
    context = runtime.context.run
    context.tell(ProgressEvent("stage", name))
    return context


def audit_subject(runtime: StepRuntime, subject: AuditSubject) -> RunState:
    """Have a subject audited; record a FLAG or FAIL."""
    judged = _judge(runtime.context, subject)
    changed: RunState = {"judged": judged}
    if judged.verdict in ("FLAG", "FAIL"):
        kind: Literal["returned", "flagged"] = "returned" if judged.verdict == "FAIL" else "flagged"
        reason = f"{judged.verdict}, {judged.action}: {', '.join(judged.rules)}"
        changed["decisions"] = [Decided(subject=f"{subject.scope} {subject.comparison}", decision=kind, reason=reason)]
    return changed


def _judge(step: StepContext, subject: AuditSubject) -> Judged:
    if not step.config.auditor:
        return skip_audit(subject)
    return audit(step.run, subject, step.key, step.config.llm)


def affordable(context: RunContext, before_s: float = 0.0, comparisons: int = 2, gain: float = 0.0) -> bool:
    """Whether ``before_s`` plus the comparisons after it fit into the remaining time.

    The comparisons are by default a confirmation and a validation; each counts up to its first look. A candidate with
    an expected ``gain`` (a fraction) needs less time for its rounds.
    """
    return context.seconds_left() > _needed(context, before_s, comparisons, gain)


def out_of_time(
    context: RunContext, subject: str, what: str, before_s: float = 0.0, comparisons: int = 2, gain: float = 0.0
) -> Decided:
    """The decision to leave ``subject`` out, because ``what`` takes longer than the remaining time."""
    needed, left = _needed(context, before_s, comparisons, gain) / 60, max(context.seconds_left(), 0.0) / 60
    reason = f"{left:.0f} min left; {what} takes {needed:.0f}: give more with --budget"
    context.tell(ProgressEvent("note", reason, subject))
    return Decided(subject=subject, decision="stopped", reason=reason)


def _needed(context: RunContext, before_s: float, comparisons: int, gain: float) -> float:
    return before_s + comparisons * comparison_seconds(context, gain)


def failed_decision(measured: ComparisonResult) -> Decided:
    """A comparison that ended without a decision."""
    line = measured.failure.line if measured.failure else "no declared look was reached"
    return Decided(subject=measured.plan.name, decision="failed", reason=line)


def unproven_decision(context: RunContext, measured: ComparisonResult) -> Decided:
    """A comparison that did not show a gain."""
    if measured.claim is None or measured.decision is None:
        return failed_decision(measured)
    context.tell(ProgressEvent("decision", f"not proven: {measured.claim.headline}", measured.plan.name))
    return Decided(
        subject=measured.plan.name,
        decision="not_proven",
        reason=f"{measured.decision.verdict}: {measured.claim.headline}",
    )
