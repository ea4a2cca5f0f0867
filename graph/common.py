"""What the steps of both tracks share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from langgraph.runtime import Runtime

from graph.audits import Subject, audit, skipped
from graph.config import RunConfig
from graph.state import Decided, Judged, RunState
from tools.measurement.comparison import Measured
from tools.measurement.lab import Lab
from tools.measurement.progress import Event

if TYPE_CHECKING:
    from tools.attest.signing_key import SigningKey


@dataclass(frozen=True)
class Context:
    """Handed to every step by LangGraph; not part of the checkpoint."""

    lab: Lab
    config: RunConfig
    key: SigningKey | None = None
    """Signs verdicts. Not part of ``lab``, which producers are handed."""


Run = Runtime[Context]


def stage(runtime: Run, name: str) -> Lab:
    """Say what begins."""
    lab = runtime.context.lab
    lab.tell(Event("stage", name))
    return lab


def audited(runtime: Run, subject: Subject) -> RunState:
    """Have a subject judged; a FLAG or FAIL goes on the record."""
    context = runtime.context
    judged = _judged(context, subject)
    changed: RunState = {"judged": judged}
    if judged.word in ("FLAG", "FAIL"):
        kind: Literal["returned", "flagged"] = "returned" if judged.word == "FAIL" else "flagged"
        reason = f"{judged.word}, {judged.action}: {', '.join(judged.rules)}"
        changed["decisions"] = [Decided(subject=f"{subject.scope} {subject.comparison}", decision=kind, reason=reason)]
    return changed


def _judged(context: Context, subject: Subject) -> Judged:
    if not context.config.auditor:
        return skipped(subject)
    return audit(context.lab, subject, context.key, context.config.llm)


def failed(measured: Measured) -> Decided:
    """A comparison that came to no decision."""
    line = measured.failure.line if measured.failure else "no declared look was reached"
    return Decided(subject=measured.plan.name, decision="failed", reason=line)


def unproven(lab: Lab, measured: Measured) -> Decided:
    """A comparison that did not show a gain."""
    if measured.claim is None or measured.decision is None:
        return failed(measured)
    lab.tell(Event("decision", f"not proven: {measured.claim.headline}", measured.plan.name))
    return Decided(
        subject=measured.plan.name,
        decision="not_proven",
        reason=f"{measured.decision.verdict}: {measured.claim.headline}",
    )
