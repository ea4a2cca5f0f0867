"""Legs were interleaved as planned, on fresh servers, close together in time (C03 C05 C06 C07).

Proves, per block: fresh lifecycle on both sides, at least the planned warm-up rounds and equally many, the launch and
round order that the plan drew, no more than an hour between the two legs, no launch that serves two blocks. Of launches
that no plan stands behind, everything but the order.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.view import BlockView
from bankable.nodes.auditor.rule import COMPARISONS, Found, Outcome, Rule, at, fail, flag
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.records import Block, LaunchPlan, LegRecord, Plan

LONGEST_GAP_S = 3600.0
ADVICE = "launch both legs of a block fresh, in the planned order, one right after the other"


def check(case: Case) -> Iterator[Outcome]:
    planned = {block.index: block for block in case.planned.blocks} if case.planned is not None else {}
    served: dict[tuple[int, float], str] = {}
    for block in case.blocks:
        reference, candidate = block.reference.record, block.candidate.record
        if reference is None or candidate is None:
            continue
        where = block.candidate.path("leg.json")
        yield from _fresh(case, reference, candidate, where)
        gap = max(reference.launched_at, candidate.launched_at) - min(reference.stopped_at, candidate.stopped_at)
        if gap > LONGEST_GAP_S:
            yield _bad("C05", "legs of a block close together", f"{gap / 60:.0f} minutes apart", where)
        if block.index in planned:
            yield from _order(case.plan, planned[block.index], block, reference, candidate)
        for leg, record in zip(block.legs(), (reference, candidate), strict=True):
            key = (record.pid, record.launched_at)
            if served.setdefault(key, leg.name) != leg.name and record.pid and record.driver != "replay":
                yield _bad("C06", "a launch of its own", f"{leg.name} is {served[key]} again", leg.path("leg.json"))
    orders = {block.order for block in planned.values()}
    if len(orders) == 1 and len(planned) > 1:
        yield flag(
            "a counter-balanced order",
            "every block launches in the same order",
            "draw the order from a seed so that drift cannot favour one leg",
            at(case.plan_file),
            code="one_order",
        )


def _fresh(case: Case, reference: LegRecord, candidate: LegRecord, where: str) -> Iterator[Found]:
    warmups = case.planned.warmup_rounds if case.planned is not None else 1
    for record in (reference, candidate):
        if record.lifecycle != "fresh":
            yield _report_reused(case, record, where)
        if record.warmups < warmups:
            yield _bad("C03", f"{warmups} warm-up rounds", f"{record.leg_id}: {record.warmups}", where)
        timed = [span for span in record.spans if span.kind == "warmup"]
        if record.spans and len(timed) < record.warmups:
            yield _bad("C03", f"{record.warmups} warm-up rounds timed", f"{record.leg_id}: {len(timed)}", where)
    if reference.warmups != candidate.warmups:
        yield _bad("C03", f"{reference.warmups} warm-up rounds on both legs", f"{candidate.warmups}", where)


def _report_reused(case: Case, record: LegRecord, where: str) -> Found:
    """An attached server can be measured and profiled, but no measurement of it banks a gain."""
    if case.scope == "baseline" and record.lifecycle == "attached":
        return flag(
            "fresh servers",
            "one server that was already running: how launches differ was not seen",
            "let the run launch the server, if a gain is to be proven",
            at(where),
            modes=("C07",),
            code="one_lifetime",
        )
    return _bad("C07", "a fresh server", f"{record.leg_id}: {record.lifecycle}", where)


def _order(plan: Plan, planned: Block, block: BlockView, reference: LegRecord, candidate: LegRecord) -> Iterator[Found]:
    where = block.candidate.path("leg.json")
    if plan.launch_plan is LaunchPlan.ALTERNATING:
        launched = tuple(leg.side for leg in sorted((reference, candidate), key=lambda leg: leg.launched_at))
        if launched != planned.order:
            yield _bad("C05", f"launch order {', '.join(planned.order)}", ", ".join(launched), where)
    rounds = sorted(
        (row.stamp.started, leg.record.side)
        for leg in block.legs()
        for row in leg.rows
        if row.stamp and leg.record is not None
    )
    if tuple(side for _, side in rounds) != planned.rounds:
        text = " ".join(side.value[0] for _, side in rounds)
        yield _bad("C05", f"rounds {' '.join(side.value[0] for side in planned.rounds)}", f"rounds {text}", where)


def _bad(mode: str, expected: str, observed: str, file: str) -> Found:
    return fail(expected, observed, ADVICE, at(file), action=Action.REMEASURE, modes=(mode,), code="not_interleaved")


rule = Rule("interleaving", COMPARISONS, ("C03", "C05", "C06", "C07"), ("lever", "rounds"), check)
