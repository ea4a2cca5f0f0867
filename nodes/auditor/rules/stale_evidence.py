"""All of this was measured in this run, when it says it was (C06 R02 R03).

Proves: one run nonce in request, plan, claim and every leg; each leg belongs to this comparison; the order launched,
ready, rounds, stopped; no two legs with the same timings (a copied file). Rounds replayed from a recorded leg are said
so. Without a plan there is no nonce to hold against; the order of times and copied files are found all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import COMPARISONS, FRONTIER, Found, Outcome, Remark, Rule, at, fail, flag
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.records import SCHEMA_VERSION, Plan

CLOCK_SLACK_S = 1.0


def check(case: Case) -> Iterator[Outcome]:
    if case.planned is not None:
        yield from _this_run(case, case.planned)
    seen: dict[tuple[float | None, ...], str] = {}
    for leg in case.legs if case.control is case.comparison else (*case.legs, *_control_legs(case)):
        yield from _leg(leg, case.request.run_id if case.planned is not None else None)
        if not all(row.listed for row in leg.rows):
            continue  # a summary may state the same rounded duration twice
        durations = tuple(row.duration for row in leg.rows)
        if durations in seen:
            yield _again(leg, seen[durations])
        seen[durations] = leg.path("bench_runs.jsonl")
    if any(leg.record and leg.record.driver == "replay" for leg in case.legs):
        yield Remark("replayed from recorded legs: the figures are of the machine that recorded them")


def _this_run(case: Case, plan: Plan) -> Iterator[Found]:
    """Plan, control and legs carry the nonce and the names that the request gives."""
    nonce = case.request.run_id
    if plan.run_id != nonce:
        yield _stale(f"run {nonce}", f"run {plan.run_id}", case.plan_file)
    if plan.name != case.request.comparison:
        yield _stale(f"comparison {case.request.comparison}", f"plan of {plan.name}", case.plan_file)
    if plan.schema_version > SCHEMA_VERSION:
        yield _stale(f"schema {SCHEMA_VERSION}", f"schema {plan.schema_version}", case.plan_file)
    if case.control is not case.comparison and case.control.plan is not None and case.control.plan.run_id != nonce:
        yield _stale(f"run {nonce}", f"control of run {case.control.plan.run_id}", case.control.path("plan.json"))
    for leg in case.legs:
        if leg.record is None:
            continue
        if leg.record.comparison != plan.name:
            yield _stale(f"a leg of {plan.name}", f"a leg of {leg.record.comparison}", leg.path("leg.json"))
        if leg.record.leg_id != leg.name:
            yield _stale(f"leg {leg.name}", f"leg {leg.record.leg_id}", leg.path("leg.json"))


def _again(leg: LegView, other: str) -> Outcome:
    """A copied file; or, under replay, a recorded launch that was drawn twice and so counts as one."""
    file = leg.path("bench_runs.jsonl")
    if leg.record is not None and leg.record.driver == "replay":
        return flag(
            "launches of its own",
            f"replays the same rounds as {other}",
            "record more launches: repeats of one recording are no replication",
            at(file),
            modes=("D03", "R02"),
            code="replayed_twice",
        )
    return _stale("rounds of its own", f"the same timings as {other}", file)


def _control_legs(case: Case) -> Iterator[LegView]:
    for block in case.control.blocks:
        yield from block.legs()


def _leg(leg: LegView, nonce: str | None) -> Iterator[Found]:
    record = leg.record
    if record is None:
        return
    where = leg.path("leg.json")
    if nonce is not None and record.run_id != nonce:
        yield _stale(f"run {nonce}", f"run {record.run_id}", where)
    ready = record.ready_at if record.ready_at is not None else record.launched_at
    if not record.launched_at <= ready <= record.stopped_at:
        yield _stale("launched before ready before stopped", "another order", where)
    for row in leg.rows:
        if row.stamp is None:
            continue
        if row.stamp.started < ready - CLOCK_SLACK_S or row.stamp.ended > record.stopped_at + CLOCK_SLACK_S:
            yield _stale(
                "rounds while the server was up", f"round {row.stamp.index} outside", leg.path("bench_runs.jsonl")
            )
            return


def _stale(expected: str, observed: str, file: str) -> Found:
    return fail(
        expected,
        observed,
        "measure in this run; evidence is not carried over",
        at(file),
        action=Action.REMEASURE,
        modes=("R03", "R02", "C06"),
        code="stale",
    )


rule = Rule("stale_evidence", COMPARISONS | FRONTIER, ("C06", "R02", "R03"), ("lever", "rounds"), check, gate=True)
