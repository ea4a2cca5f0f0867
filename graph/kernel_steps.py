"""The steps of the kernel track: from a hot operator of the live server to a faster one in the live server."""

from __future__ import annotations

from bankable.graph.audits import Subject
from bankable.graph.common import StepRuntime, affordable, audited, out_of_time, stage, unproven
from bankable.graph.findings import findings
from bankable.graph.state import Decided, RunState
from bankable.kernels.task.folder import open_task
from bankable.kernels.task.sources import kept_source
from bankable.nodes.advice.selection import Selection
from bankable.nodes.baseline import control_name
from bankable.nodes.integrator import integrate, left_aside, lever_of, measured_again, winner_of, worth_carrying
from bankable.nodes.kernel_author import best_kernel
from bankable.nodes.kernel_extractor import chosen, extract, prospects
from bankable.nodes.op_benchmarker import benchmark, default, read_benched
from bankable.nodes.profiler import take_profile
from bankable.tools.measurement.cost import comparison_seconds
from bankable.tools.measurement.progress import Event
from bankable.tools.measurement.run_context import RunContext

BENCH_S = 240.0
"""Two bake-offs and a search of one operator, on a quiet machine of two cores."""


def kernel_extractor(state: RunState, runtime: StepRuntime) -> RunState:
    """Which operator next? Its task, from real calls of the live server."""
    context = stage(runtime, "kernel extractor")
    decisions: list[Decided] = []
    waiting = state.get("operators")
    if waiting is None:
        profile = take_profile(context, state["profile_attempt"]).profile
        found = prospects(profile) if profile is not None else []
        for it in found:
            word = f"skipped: {it.reason}" if it.reason else f"{it.share:.1%} of the time, may give {it.promise:+.1%}"
            context.tell(Event("note", f"operator {it.operator} {word}"))
            if it.reason:
                decisions.append(Decided(subject=it.operator, decision="skipped", reason=it.reason))
        picked = Selection(order=())
        if profile is not None:
            picked = chosen(context, profile, found, state.get("operator_order"), _held(context, "profile-*"))
        waiting = list(picked.order)
        decisions += [
            Decided(subject=it.name, decision="skipped", reason=f"by the extractor: {it.because}")
            for it in picked.left_out
        ]
    wanted = list(waiting)
    while waiting:
        if not affordable(context, BENCH_S):
            decisions.append(out_of_time(context, ", ".join(waiting), "an operator", BENCH_S))
            waiting = []
            break
        operator, *waiting = waiting
        extracted = extract(context, operator, wanted)
        if extracted.task is not None:
            return _on(operator, waiting, decisions)
        context.tell(Event("note", f"{operator}: {extracted.why}"))
        decisions.append(Decided(subject=operator, decision="failed", reason=extracted.why))
    return {"track": "config", "operator": "", "operators": [], "decisions": decisions}


def op_benchmarker(state: RunState, runtime: StepRuntime) -> RunState:
    """Every backend of the operator against the live one, alone."""
    context, attempt = stage(runtime, f"op benchmarker: {state['operator']}"), state["bench_attempt"] + 1
    task = open_task(context.folder.root, state["operator"])
    source = kept_source(task, state["candidate"]) if state["candidate"] else default(task)
    assert source is not None, "the author keeps what it hands over"
    benched = benchmark(context, task, source, attempt, _held(context, f"harness-{state['operator']}-*"))
    changed: RunState = {"bench_attempt": attempt, "benched": benched.claim is not None}
    if benched.claim is None:
        context.tell(Event("note", f"{state['operator']}: {benched.why}"))
        changed["decisions"] = [Decided(subject=state["operator"], decision="failed", reason=benched.why)]
    return changed


def audit_harness(state: RunState, runtime: StepRuntime) -> RunState:
    """May the isolated number be trusted?"""
    subject = Subject(
        scope="harness",
        attempt=state["bench_attempt"],
        comparison=state["operator"],
        control=control_name(state["baseline_attempt"]),
    )
    changed = audited(runtime, subject)
    judged = changed["judged"]
    redo = judged is not None and judged.verdict in ("FAIL", "FLAG")
    return changed | {"bench_redone": state["bench_redone"] + 1 if redo else 0}


def kernel_author(state: RunState, runtime: StepRuntime) -> RunState:
    """Search for a faster kernel, with a harness that was signed off."""
    context = stage(runtime, f"kernel author: {state['operator']}")
    task = open_task(context.folder.root, state["operator"])
    best = best_kernel(context, task, _held(context, f"harness-{state['operator']}-*"))
    known = read_benched(task, state["bench_attempt"])
    # What the first bake-off measured need not be measured again.
    done = best is None or (known is not None and known.winner == best.implementation)
    return {
        "authored": True,
        "trusted": done,
        "judged": None,
        "candidate": best.implementation if best else "",
    }


def integrator(state: RunState, runtime: StepRuntime) -> RunState:
    """Answer the auditor if it returned the last attempt; else lay the winner over the live server and measure it."""
    context, operator = stage(runtime, f"integrator: {state['operator']}"), state["operator"]
    task, judged = open_task(context.folder.root, operator), state.get("judged")
    claim = read_benched(task, state["bench_attempt"])
    lever = lever_of(context, task, claim, state["bench_attempt"]) if claim else None
    if claim is None or lever is None or claim.speedup is None:
        reason = claim.headline if claim else "no bake-off"
        return {"claimed": False, "lever": None, "decisions": [_no_kernel(context, operator, reason)]}
    attempt, held = state["patch_attempt"] + 1, _held(context, f"patch-patch-{operator}-*")
    winner = winner_of(context, task, claim, take_profile(context, state["profile_attempt"]).profile)
    if judged is not None and judged.scope == "patch" and judged.verdict == "FAIL":
        if not measured_again(context, winner, judged.action in ("remeasure", "redo"), attempt - 1, held):
            return {"given_up": True}
    elif reason := left_aside(context, winner, attempt, held):
        return {"claimed": False, "lever": None, "decisions": [_no_kernel(context, operator, reason)]}
    isolated = {operator: claim.speedup}
    measured = integrate(context, lever, isolated, state["reference"], attempt, comparison_seconds(context))
    claimed = worth_carrying(measured)
    changed: RunState = {
        "patch_attempt": attempt,
        "comparison": measured.plan.name,
        "claimed": claimed,
        "judged": None,
        "lever": lever,
        "isolated": {**state.get("isolated", {}), **isolated},
    }
    if not claimed:
        changed |= {"lever": None, "decisions": [unproven(context, measured)]}
    return changed


def _held(context: RunContext, audits: str) -> list[str]:
    """What the auditor held against something, for a model that answers to it."""
    return findings(context.folder.root, audits) if context.advisor is not None else []


def _on(operator: str, waiting: list[str], decisions: list[Decided]) -> RunState:
    return {
        "track": "kernels",
        "operator": operator,
        "operators": waiting,
        "decisions": decisions,
        "bench_attempt": 0,
        "bench_redone": 0,
        "authored": False,
        "trusted": False,
        "candidate": "",
        "patch_attempt": 0,
        "judged": None,
    }


def _no_kernel(context: RunContext, operator: str, reason: str) -> Decided:
    context.tell(Event("decision", f"{operator}: no kernel to lay over: {reason}"))
    return Decided(subject=operator, decision="not_proven", reason=reason)
