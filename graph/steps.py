"""The steps of the state machine: each calls one role with values of the state and returns what changed."""

from __future__ import annotations

import math
from typing import Literal

from bankable.graph.approval import is_approved
from bankable.graph.audits import AuditSubject, Scope
from bankable.graph.common import (
    StepRuntime,
    affordable,
    audit_subject,
    failed_decision,
    out_of_time,
    stage,
    unproven_decision,
)
from bankable.graph.findings import read_findings
from bankable.graph.state import Accepted, Decided, Judged, RunState
from bankable.nodes.advice.strategy import OperatorWorth
from bankable.nodes.baseline import (
    NOISE_RULES,
    another_control_fits,
    control_name,
    find_noise_limit,
    measure_baseline,
)
from bankable.nodes.config_tuner import confirm, patch_name, propose, repair, revise, screen
from bankable.nodes.integrator import halves
from bankable.nodes.kernel_extractor import rank_operators
from bankable.nodes.preflight import preflight as check
from bankable.nodes.profiler import profile_name, take_profile
from bankable.nodes.reporter import publish
from bankable.nodes.strategist import ask_order, directions
from bankable.nodes.validator import find_whole_confirmation, validate
from bankable.tools.levers.settings import lever_of
from bankable.tools.measurement.comparison import kv_tokens, read_claim
from bankable.tools.measurement.cost import block_seconds, comparison_seconds
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext

LEVER = "confirming and validating another lever"


def preflight(state: RunState, runtime: StepRuntime) -> RunState:
    """Preflight: detect machine, engine and model."""
    context = stage(runtime, "preflight")
    check(context)
    several: RunState = {"several_loads": True} if context.loads else {}
    return {
        **several,
        "reference": context.base,
        "accepted": [],
        "tried": [],
        "baseline_attempt": 0,
        "profile_attempt": 0,
        "patch_attempt": 0,
        "bundle_attempt": 0,
        "read_only": not context.driver.can_launch,
        "track": "kernels" if _kernels(runtime) else "config",
    }


def baseline(state: RunState, runtime: StepRuntime) -> RunState:
    """Baseline: an A/A control of the reference."""
    context, attempt = stage(runtime, "baseline"), state["baseline_attempt"] + 1
    measured = measure_baseline(context, attempt)
    changed: RunState = {"baseline_attempt": attempt, "comparison": measured.plan.name, "claimed": True}
    changed["detectable_gain"] = find_noise_limit(context, measured.diffs)
    if measured.failure:
        changed["decisions"] = [failed_decision(measured)]
        changed["stop_reason"] = f"the baseline could not be measured: {measured.failure.line}"
    return changed


def audit_baseline(state: RunState, runtime: StepRuntime) -> RunState:
    """Audit the control: whether effects can be measured on this machine, and whether the model works."""
    changed, context = _run_audit(state, runtime, "baseline", state["baseline_attempt"]), runtime.context.run
    judged = changed["judged"]
    quiet = judged is None or judged.verdict in ("PASS", "SKIPPED")
    budget_s = 60.0 * runtime.context.config.budget_minutes
    changed["control_fits"] = another_control_fits(context, budget_s, state["baseline_attempt"])
    changed["only_noise"] = judged is not None and not quiet and set(judged.rules) <= NOISE_RULES
    if quiet:
        changed["detectable_gain"] = 0.0
    return changed


def profile(state: RunState, runtime: StepRuntime) -> RunState:
    """Profile the reference under load."""
    context, attempt = stage(runtime, "profile"), state["profile_attempt"] + 1
    taken = take_profile(context, attempt)
    changed: RunState = {"profile_attempt": attempt, "profiled": taken.failure is None}
    if taken.failure:
        changed["decisions"] = [Decided(subject="profile", decision="failed", reason=taken.failure.line)]
    return changed


def audit_profile(state: RunState, runtime: StepRuntime) -> RunState:
    """Audit the profile: whether it may steer the search."""
    return _run_audit(state, runtime, "profile", state["profile_attempt"])


def strategist(state: RunState, runtime: StepRuntime) -> RunState:
    """Strategist: directions of the search and their order."""
    context = stage(runtime, "strategist")
    taken = take_profile(context, state["profile_attempt"])
    chosen = directions(context, taken.profile)
    for direction in chosen:
        context.tell(
            ProgressEvent("note", f"direction {direction.name}: {direction.reason}; {len(direction.knobs)} knobs")
        )
    prospects = rank_operators(taken.profile) if state["track"] == "kernels" and taken.profile is not None else []
    worth = [OperatorWorth(entry.operator, entry.share, entry.promise) for entry in prospects if not entry.reason]
    order = ask_order(context, taken.profile, chosen, worth)
    if order is None:
        return {"directions": chosen}
    out = [
        Decided(subject=item.name, decision="skipped", reason=f"by the strategist: {item.because}")
        for item in (*order.left_out, *order.operators.left_out)
    ]
    return {"directions": order.directions, "operator_order": list(order.operators.order), "decisions": out}


def config_tuner(state: RunState, runtime: StepRuntime) -> RunState:
    """Respond to the auditor if it returned the last lever; otherwise search until a lever is worth confirming."""
    context, config = stage(runtime, "config tuner"), runtime.context.config
    tried, judged = list(state["tried"]), state.get("judged")
    if judged is not None and judged.scope == "patch" and judged.verdict == "FAIL":
        return _answer(context, state, judged)
    changed: RunState = {"track": "config", "lever": None, "judged": None}
    if "config" not in config.tracks:
        return changed
    if config.only is not None:
        only = lever_of(config.only)
        if patch_name(only) in tried:
            return changed
        return changed | {"lever": only, "patch_attempt": 0, "tried": [*tried, patch_name(only)]}
    prospects = screen(
        context,
        state["directions"],
        len(state["accepted"]),
        state["reference"],
        _screening_seconds(context),
        _list_findings(context),
    )
    least = max(config.floor, state.get("detectable_gain", 0.0))
    lever = propose(prospects, tried, least) if affordable(context) else None
    if lever is not None:
        return changed | {"lever": lever, "patch_attempt": 0, "tried": [*tried, patch_name(lever)]}
    return changed if affordable(context) else changed | {"decisions": [out_of_time(context, "search", LEVER)]}


def measure_patch(state: RunState, runtime: StepRuntime) -> RunState:
    """Confirm the lever on fresh blocks."""
    context, lever, attempt = stage(runtime, "confirm"), state["lever"], state["patch_attempt"] + 1
    assert lever is not None
    measured = confirm(context, lever, state["reference"], attempt, comparison_seconds(context))
    claimed = measured.decision is not None and measured.decision.verdict == "real"
    changed: RunState = {"patch_attempt": attempt, "comparison": measured.plan.name, "claimed": claimed, "judged": None}
    if not claimed:
        changed |= {"lever": None, "decisions": [unproven_decision(context, measured)]}
    return changed


def audit_patch(state: RunState, runtime: StepRuntime) -> RunState:
    """Audit a confirmed lever: gain re-derived from raw records, under the same conditions, with the same answers."""
    return _run_audit(state, runtime, "patch", state["patch_attempt"])


def bank(state: RunState, runtime: StepRuntime) -> RunState:
    """Bank the lever, or stack it; the next one is measured on top of it."""
    context, lever, judged = runtime.context.run, state["lever"], state["judged"]
    assert lever is not None
    claim = read_claim(context, state["comparison"])
    headline = judged.headline if judged and judged.headline else claim.headline
    if not is_approved(runtime.context.config, "bank", f"bank {state['comparison']}? {headline}"):
        return {"lever": None, "judged": None, "decisions": [_refuse(context, state["comparison"])]}
    accepted = Accepted(
        name=state["comparison"],
        lever=lever,
        delta=claim.delta,
        interval=claim.interval,
        headline=headline,
        audit=judged.folder if judged else "",
        stacked=claim.decision != "real",
    )
    word = judged.verdict if judged else "SKIPPED"
    decision: Literal["stacked", "banked"] = "stacked" if accepted.stacked else "banked"
    context.tell(ProgressEvent("decision", f"{decision} ({word}): {headline}", accepted.name))
    return {
        "accepted": [*state["accepted"], accepted],
        "reference": state["reference"].with_lever(lever),
        "lever": None,
        "judged": None,
        "groups": state.get("groups", [])[1:],
        "patch_attempt": 0,
        "decisions": [Decided(subject=accepted.name, decision=decision, reason=headline)],
    }


def eject(state: RunState, runtime: StepRuntime) -> RunState:
    """Eject the lever and record the auditor's reasons; a group of operators is halved."""
    groups = state.get("groups", [])
    if groups and not state.get("given_up"):  # the step that ejected the group has halved it already
        groups = [*halves(groups[0]), *groups[1:]]
    judged, context = state["judged"], runtime.context.run
    reason = f"{judged.action}: {', '.join(judged.rules)}" if judged else "refused"
    context.tell(ProgressEvent("decision", f"ejected {state['comparison']}: {reason}", state["comparison"]))
    return {
        "lever": None,
        "judged": None,
        "given_up": False,
        "groups": groups,
        "patch_attempt": 0,
        "decisions": [Decided(subject=state["comparison"], decision="ejected", reason=reason)],
    }


def validator(state: RunState, runtime: StepRuntime) -> RunState:
    """Compare the bundle with the true baseline; a second attempt leaves out the weakest lever.

    On fresh launches, or on those of the only confirmed patch, which no search has seen.
    """
    context, attempt = stage(runtime, "validate"), state["bundle_attempt"] + 1
    accepted = state["accepted"] if attempt == 1 else _without_weakest(state["accepted"])
    changed: RunState = {
        "bundle_attempt": attempt,
        "accepted": accepted,
        "claimed": False,
        "bundle": "",
        "judged": None,
    }
    if not accepted:
        return changed
    confirmed = find_whole_confirmation(context, [entry.name for entry in accepted if not entry.stacked])
    if len(accepted) == 1 and confirmed:
        context.tell(ProgressEvent("note", f"the bundle equals {confirmed}: audited on its launches", confirmed))
        return changed | {"claimed": True, "comparison": confirmed}
    measured = validate(context, [item.lever for item in accepted], state.get("isolated", {}), attempt)
    changed["comparison"] = measured.plan.name
    if measured.decision is not None and measured.decision.verdict == "real":
        return changed | {"claimed": True}
    return changed | {"decisions": [unproven_decision(context, measured)]}


def audit_bundle(state: RunState, runtime: StepRuntime) -> RunState:
    """Audit the bundle: whether it may be published."""
    changed = _run_audit(state, runtime, "bundle", state["bundle_attempt"])
    judged = changed["judged"]
    if judged and judged.verdict != "FAIL":
        changed["bundle"] = state["comparison"]
    return changed


def reporter(state: RunState, runtime: StepRuntime) -> RunState:
    """Publish what was proven, or report that nothing was."""
    bundle, judged = state.get("bundle", ""), state.get("judged")
    question = f"publish bundle? {judged.headline if judged else ''}"
    refused = bool(bundle) and not is_approved(runtime.context.config, "bundle", question)
    context = stage(runtime, "report")
    decisions = [*state.get("decisions", []), *([_refuse(context, bundle)] if refused else [])]
    bundle = "" if refused else bundle
    frontier = state.get("frontier")
    publish(
        context,
        bundle=bundle,
        accepted=[(entry.name, entry.lever) for entry in state.get("accepted", [])] if bundle else [],
        decisions=[(decision.subject, decision.decision, decision.reason) for decision in decisions],
        word=judged.verdict if judged and bundle else None,
        degraded=judged.degraded if judged else (),
        headline=judged.headline if judged and bundle else "",
        stopped=state.get("stop_reason", ""),
        frontier=frontier.verdict if frontier is not None else None,
    )
    return {}


def _refuse(context: RunContext, subject: str) -> Decided:
    context.tell(ProgressEvent("decision", f"not approved: {subject}", subject))
    return Decided(subject=subject, decision="ejected", reason="not approved by the user")


def _run_audit(state: RunState, runtime: StepRuntime, scope: Scope, attempt: int) -> RunState:
    subject = AuditSubject(
        scope=scope,
        attempt=attempt,
        comparison=profile_name(attempt) if scope == "profile" else state["comparison"],
        control=control_name(state["baseline_attempt"]),
        components=tuple(entry.audit for entry in state["accepted"] if entry.audit),
    )
    return audit_subject(runtime, subject)


def _kernels(runtime: StepRuntime) -> bool:
    """Whether kernels can be searched: it needs the engine's interpreter or recorded operators, and no ``--only``."""
    context, config = runtime.context.run, runtime.context.config
    at_hand = context.engine_python is not None or (
        context.recorded is not None and (context.recorded / "ops").is_dir()
    )
    return "kernels" in config.tracks and at_hand and config.only is None


def _answer(context: RunContext, state: RunState, judged: Judged) -> RunState:
    """The producer's response to a FAIL: measure again when that is the advice, else repair, else give up."""
    lever = state["lever"]
    assert lever is not None
    if not affordable(context):
        return {"given_up": True}
    if judged.action in ("remeasure", "redo"):
        return {"judged": None}
    repaired = revise(lever, judged.rules, kv_tokens(context, state["comparison"]))
    if repaired is not None:
        return {"lever": repaired, "judged": None}
    other = repair(context, lever, state["comparison"], state["reference"], state["tried"], _list_findings(context))
    if other is None:
        return {"given_up": True}
    return {"lever": other, "judged": None, "tried": [*state["tried"], patch_name(other)]}


def _list_findings(context: RunContext) -> list[str]:
    """The auditor's findings against levers, for a model that proposes others."""
    return read_findings(context.folder.root) if context.advisor is not None else []


def _screening_seconds(context: RunContext) -> float:
    """The time left after confirming and validating one lever."""
    return max(context.seconds_left() - 2 * comparison_seconds(context) - block_seconds(context), 0.0)


def _without_weakest(accepted: list[Accepted]) -> list[Accepted]:
    weakest = min(accepted, key=lambda item: math.inf if item.delta is None else item.delta)
    return [entry for entry in accepted if entry is not weakest]
