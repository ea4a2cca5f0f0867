"""The steps of the kernel track: from a hot operator of the live server to a faster kernel in the live server."""

from __future__ import annotations

from collections.abc import Sequence

from bankable.graph.audits import AuditSubject
from bankable.graph.common import StepRuntime, affordable, audit_subject, out_of_time, stage, unproven_decision
from bankable.graph.findings import read_findings
from bankable.graph.state import Decided, Judged, RunState, Shortlisted
from bankable.kernels.task.folder import open_task
from bankable.kernels.task.sources import read_stored_source
from bankable.nodes.baseline import control_name
from bankable.nodes.integrator import (
    group_ceiling,
    group_lever,
    halves,
    integrate,
    lever_of,
    reason_to_skip,
    should_remeasure,
    winner_of,
    worth_carrying,
)
from bankable.nodes.kernel_author import best_kernel
from bankable.nodes.kernel_extractor import LIKELY, choose_operators, extract, rank_operators
from bankable.nodes.op_benchmarker import benchmark, default_kernel, read_benched
from bankable.nodes.profiler import take_profile
from bankable.tools.measurement.cost import benchmark_seconds
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext

SEARCH_S = 60.0
"""Duration of a search for one operator, on an idle machine with two cores."""


def kernel_extractor(state: RunState, runtime: StepRuntime) -> RunState:
    """Choose the next step: benchmark an operator, search a faster kernel for one, or confirm the groups.

    Every operator is benchmarked with its default template before any is searched: one comparison confirms them
    together, so that a small one costs no more than its benchmark.
    """
    context = stage(runtime, "kernel extractor")
    decisions: list[Decided] = []
    waiting = state.get("operators")
    if waiting is None:
        waiting, decisions = _select_operators(context, state)
    wanted = list(waiting)
    while waiting:
        needed, gain = benchmark_seconds(context), _expected_gain(context, state, waiting[0])
        if not affordable(context, needed, comparisons=1, gain=gain):
            decisions.append(out_of_time(context, ", ".join(waiting), "an operator", needed, comparisons=1, gain=gain))
            break
        operator, *waiting = waiting
        extracted = extract(context, operator, wanted)
        if extracted.task is not None:
            return _on(operator, waiting) | {"decisions": decisions}
        context.tell(ProgressEvent("note", f"{operator}: {extracted.why}"))
        decisions.append(Decided(subject=operator, decision="failed", reason=extracted.why))
    shortlist, searched = state.get("shortlist", []), state.get("searched", [])
    unsearched = [entry for entry in shortlist if entry.operator not in searched]
    gain = _expected_gain(context, state)
    if unsearched and affordable(context, SEARCH_S + benchmark_seconds(context), comparisons=1, gain=gain):
        entry = unsearched[0]
        return _on(entry.operator, []) | {
            "decisions": decisions,
            "bench_attempt": entry.bench,
            "searching": True,
            "searched": [*searched, entry.operator],
        }
    group = [entry.operator for entry in shortlist if entry.lever is not None]
    return {
        "track": "kernels" if group else "config",
        "operator": "",
        "operators": [],
        "groups": [group] if group else [],
        "patch_attempt": 0,
        "judged": None,
        "decisions": decisions,
    }


def _expected_gain(context: RunContext, state: RunState, operator: str = "") -> float:
    """End-to-end gain, as a fraction, of the kernels that won so far together with one of ``operator``."""
    ceilings = [entry.ceiling for entry in state.get("shortlist", []) if entry.lever is not None]
    profile = take_profile(context, state["profile_attempt"]).profile if operator else None
    if profile is not None:
        ceilings += [prospect.promise for prospect in rank_operators(profile) if prospect.operator == operator]
    return group_ceiling(ceilings)


def _select_operators(context: RunContext, state: RunState) -> tuple[list[str], list[Decided]]:
    """Operators worth a kernel, the most promising first, and why the others are left out."""
    decisions: list[Decided] = []
    profile = take_profile(context, state["profile_attempt"]).profile
    if profile is None:
        return [], []
    candidates = rank_operators(profile)
    for prospect in candidates:
        outlook = f"{prospect.share:.1%} of the time, expected gain {prospect.promise:+.1%} at {LIKELY:g}×"
        text = f"skipped: {prospect.reason}" if prospect.reason else outlook
        context.tell(ProgressEvent("note", f"operator {prospect.operator} {text}"))
        if prospect.reason:
            decisions.append(Decided(subject=prospect.operator, decision="skipped", reason=prospect.reason))
    selection = choose_operators(
        context, profile, candidates, state.get("operator_order"), _list_findings(context, "profile-*")
    )
    decisions += [
        Decided(subject=omitted.name, decision="skipped", reason=f"by the extractor: {omitted.because}")
        for omitted in selection.left_out
    ]
    return list(selection.order), decisions


def op_benchmarker(state: RunState, runtime: StepRuntime) -> RunState:
    """Benchmark every backend of the operator against the live one, in isolation."""
    context, attempt = stage(runtime, f"op benchmarker: {state['operator']}"), state["bench_attempt"] + 1
    task = open_task(context.folder.root, state["operator"])
    source = read_stored_source(task, state["candidate"]) if state["candidate"] else default_kernel(task)
    assert source is not None, "the source of every proposed kernel is stored"
    benched = benchmark(context, task, source, attempt, _list_findings(context, f"harness-{state['operator']}-*"))
    changed: RunState = {"bench_attempt": attempt, "benched": benched.claim is not None}
    if benched.claim is None:
        context.tell(ProgressEvent("note", f"{state['operator']}: {benched.why}"))
        changed["decisions"] = [Decided(subject=state["operator"], decision="failed", reason=benched.why)]
    return changed


def audit_harness(state: RunState, runtime: StepRuntime) -> RunState:
    """Audit the isolated benchmark."""
    subject = AuditSubject(
        scope="harness",
        attempt=state["bench_attempt"],
        comparison=state["operator"],
        control=control_name(state["baseline_attempt"]),
    )
    changed = audit_subject(runtime, subject)
    judged = changed["judged"]
    redo = judged is not None and judged.verdict in ("FAIL", "FLAG")
    return changed | {"bench_redone": state["bench_redone"] + 1 if redo else 0}


def kernel_author(state: RunState, runtime: StepRuntime) -> RunState:
    """Search for a faster kernel, with a benchmark harness that passed its audit."""
    context = stage(runtime, f"kernel author: {state['operator']}")
    task = open_task(context.folder.root, state["operator"])
    best = best_kernel(context, task, _list_findings(context, f"harness-{state['operator']}-*"))
    benchmarked = read_benched(task, state["bench_attempt"])
    # Results of the earlier benchmark are reused.
    done = best is None or (benchmarked is not None and benchmarked.winner == best.implementation)
    return {
        "searching": False,
        "trusted": done,
        "judged": None,
        "candidate": best.implementation if best else "",
    }


def shortlist(state: RunState, runtime: StepRuntime) -> RunState:
    """Add the operator's winner, which the auditor signed off, to the list of kernels that are confirmed together."""
    context, operator = runtime.context.run, state["operator"]
    task, bench = open_task(context.folder.root, operator), state["bench_attempt"]
    claim = read_benched(task, bench)
    lever = lever_of(context, task, claim, bench) if claim else None
    others = [entry for entry in state.get("shortlist", []) if entry.operator != operator]
    before = next((entry for entry in state.get("shortlist", []) if entry.operator == operator), None)
    decisions: list[Decided] = []
    speedup, ceiling = 1.0, 0.0
    if claim is not None:
        winner = winner_of(context, task, claim, take_profile(context, state["profile_attempt"]).profile)
        speedup, ceiling = winner.speedup, winner.ceiling
        if lever is None or claim.speedup is None:
            lever = None
            decisions.append(_no_kernel(context, operator, claim.headline))
        elif reason := reason_to_skip(context, winner, bench, _list_findings(context, f"harness-{operator}-*")):
            lever = None
            decisions.append(_no_kernel(context, operator, reason))
    entry = Shortlisted(operator=operator, bench=bench, lever=lever, speedup=speedup, ceiling=ceiling)
    if lever is None and before is not None:  # the search found nothing better than what was signed off before
        entry = before
    ranked = sorted([*others, entry], key=lambda each: (-each.ceiling, each.operator))
    return {"shortlist": ranked, "judged": None, "decisions": decisions}


def integrator(state: RunState, runtime: StepRuntime) -> RunState:
    """Apply the group's kernels to the live server together and measure them; respond to the auditor's FAIL of a group.

    A group without a proven gain, or one that the auditor failed for its behaviour, is halved.
    """
    group, *waiting = state["groups"]
    context, judged = stage(runtime, f"integrator: {', '.join(group)}"), state.get("judged")
    entries = [entry for entry in state["shortlist"] if entry.operator in group]
    attempt, ceiling = state["patch_attempt"] + 1, group_ceiling(entry.ceiling for entry in entries)
    if judged is not None and judged.scope == "patch" and judged.verdict == "FAIL":
        if not _measure_again(context, state, entries, judged, attempt - 1):
            smaller = halves(group)
            return {"given_up": True, "groups": [*smaller, *waiting]}
    elif not affordable(context, comparisons=1, gain=ceiling):
        stopped = out_of_time(context, ", ".join(group), "a confirmation", comparisons=1, gain=ceiling)
        return {"claimed": False, "lever": None, "groups": waiting, "decisions": [stopped]}
    lever = group_lever(entry.lever for entry in entries if entry.lever is not None)
    least = state.get("detectable_gain", 0.0)
    if judged is None and ceiling < least:
        reason = f"may give {ceiling:+.1%}; on this noisy machine a gain below {least:.1%} cannot be shown"
        context.tell(ProgressEvent("note", reason, ", ".join(group)))
        small = Decided(subject=", ".join(group), decision="stopped", reason=reason)
        return {"claimed": False, "lever": None, "groups": waiting, "decisions": [small]}
    isolated = {entry.operator: entry.speedup for entry in entries}
    measured = integrate(context, lever, isolated, state["reference"], attempt, ceiling)
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
        smaller = halves(group)
        changed |= {
            "lever": None,
            "decisions": [unproven_decision(context, measured)],
            "groups": [*smaller, *waiting],
            "patch_attempt": 0,
        }
    return changed


def _measure_again(
    context: RunContext, state: RunState, entries: Sequence[Shortlisted], judged: Judged, failed: int
) -> bool:
    """Whether the same group is measured again: as the auditor advises; for a single operator a model may be asked."""
    advised = judged.action in ("remeasure", "redo")
    if len(entries) > 1:
        return advised
    (entry,) = entries
    task = open_task(context.folder.root, entry.operator)
    claim = read_benched(task, entry.bench)
    if claim is None:
        return advised
    winner = winner_of(context, task, claim, take_profile(context, state["profile_attempt"]).profile)
    return should_remeasure(
        context, winner, advised, failed, _list_findings(context, f"patch-patch-{entry.operator}-*")
    )


def _list_findings(context: RunContext, audits: str) -> list[str]:
    """The auditor's findings against a subject, for a model that responds to them."""
    return read_findings(context.folder.root, audits) if context.advisor is not None else []


def _on(operator: str, waiting: list[str]) -> RunState:
    return {
        "track": "kernels",
        "operator": operator,
        "operators": waiting,
        "bench_attempt": 0,
        "bench_redone": 0,
        "searching": False,
        "trusted": False,
        "candidate": "",
        "patch_attempt": 0,
        "judged": None,
    }


def _no_kernel(context: RunContext, operator: str, reason: str) -> Decided:
    context.tell(ProgressEvent("decision", f"{operator}: no kernel for the overlay: {reason}"))
    return Decided(subject=operator, decision="not_proven", reason=reason)
