"""The steps of the load ladder, after the bundle: measured once, audited once, published with the bundle."""

from __future__ import annotations

from bankable.graph.audits import AuditSubject
from bankable.graph.common import StepRuntime, audit_subject, stage
from bankable.graph.state import Decided, RunState
from bankable.nodes.baseline import control_name
from bankable.nodes.ladder import serve_ladder
from bankable.tools.measurement.ladder_plan import LADDER


def ladder(state: RunState, runtime: StepRuntime) -> RunState:
    """Serve the run's configurations at every load of its ladder."""
    context = stage(runtime, "ladder")
    accepted = state.get("accepted", []) if state.get("bundle") else []
    result = serve_ladder(context, [entry.lever for entry in accepted])
    decisions = [
        Decided(subject=f"{LADDER} {name}", decision="failed", reason=failure.line)
        for name, failure in sorted(result.failures.items())
    ]
    return {"laddered": result.claim is not None, "decisions": decisions}


def audit_frontier(state: RunState, runtime: StepRuntime) -> RunState:
    """Audit the frontier: points recomputed from the requests, dominance proven. The bundle's verdict stays."""
    subject = AuditSubject(
        scope="frontier", attempt=1, comparison=LADDER, control=control_name(state["baseline_attempt"])
    )
    changed = audit_subject(runtime, subject)
    frontier = changed.pop("judged")
    return {**changed, "frontier": frontier}
