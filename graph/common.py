"""What the steps of both tracks share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from langgraph.runtime import Runtime

from bankable.graph.audits import Subject, audit, skipped
from bankable.graph.config import RunConfig
from bankable.graph.state import Decided, Judged, RunState
from bankable.tools.measurement.comparison import Measured
from bankable.tools.measurement.cost import comparison_seconds
from bankable.tools.measurement.progress import Event
from bankable.tools.measurement.run_context import Lab

if TYPE_CHECKING:
    from bankable.tools.attest.signing_key import SigningKey


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


def affordable(lab: Lab, before_s: float = 0.0) -> bool:
    """Do ``before_s``, a confirmation and the validation after it fit into the time that is left?

    Both comparisons count as decided by their first looks.
    """
    return lab.seconds_left() > _needed(lab, before_s)


def out_of_time(lab: Lab, subject: str, what: str, before_s: float = 0.0) -> Decided:
    """The decision that ``subject`` is left out, because ``what`` takes longer than there is."""
    needed, left = _needed(lab, before_s) / 60, max(lab.seconds_left(), 0.0) / 60
    reason = f"{left:.0f} min left; {what} takes {needed:.0f}: give more with --budget"
    lab.tell(Event("note", reason, subject))
    return Decided(subject=subject, decision="stopped", reason=reason)


def _needed(lab: Lab, before_s: float) -> float:
    return before_s + 2 * comparison_seconds(lab)


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
