"""Every request that was sent is accounted for, and every token that is credited was returned.

Proves, per timed round of every leg that counts: issued = finished + failed = recorded; the recorded totals are the
sums over requests; no failed request vanished; requests are credited with tokens that their streams showed; the round
lasted at least as long as its longest request, and no longer than the clock around it; the declared number of rounds
and prompts was taken (D06 D11 Q08 Q09). Blocks are retried only after a recorded failure. Of a round that lists no
requests, the totals; and both legs' rates come from records of one kind.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.rounds import gone, row_findings
from bankable.nodes.auditor.measured import METRIC
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import COMPARISONS, Found, Outcome, Remark, Rule, at, fail, flag
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.records import Side

AGAIN = "-again"
FEW = 0.05
"""Share of a launch's requests that one failed request may be."""


def check(case: Case) -> Iterator[Outcome]:
    for leg in case.legs:
        for row in leg.rows:
            yield from row_findings(leg, row, case.planned.workload.num_prompts if case.planned else None)
        yield from _leg(case, leg)
        yield from (Remark(f"{leg.name}: {text}") for text in leg.remarks)
    yield from (Remark(text) for text in case.comparison.ignored)
    if case.planned is not None:
        yield from _blocks(case)
    yield from _symmetry(case)
    kinds = {METRIC in row.raw for leg in case.legs for row in leg.rows}
    if len(kinds) > 1:
        yield fail(
            "rates of one kind on both legs",
            "one is recomputed from requests, the other only reported",
            "give the same kind of file for both legs",
            at(case.candidate_file),
            action=Action.REMEASURE,
            modes=("D14",),
            code="mixed_records",
        )


def _leg(case: Case, leg: LegView) -> Iterator[Found]:
    if (record := leg.record) is None:
        return
    planned = case.planned.rounds_per_leg if case.planned is not None else record.timed_rounds
    where = at(leg.path("bench_runs.jsonl"))
    if len(leg.rows) != record.timed_rounds or len(leg.rows) != planned:
        yield gone(
            f"{planned} timed rounds, as planned",
            f"{len(leg.rows)} in the file, {record.timed_rounds} in leg.json",
            where,
        )
    indices = [row.stamp.index for row in leg.rows if row.stamp]
    if indices and indices != list(range(len(leg.rows))):
        yield gone("rounds numbered 0, 1, 2, …", f"numbers {indices}", where)
    if any(row.stamp is None for row in leg.rows):
        yield gone("every round stamped by the measurement layer", "a round without a stamp", where)
    elif any(row.stamp and row.stamp.leg_id != record.leg_id for row in leg.rows):
        yield gone(f"rounds of {record.leg_id}", "a round stamped for another leg", where)


def _blocks(case: Case) -> Iterator[Found]:
    """Every started block counts: complete pairs in the order of the plan, retries only for recorded failures."""
    planned = [block.index for block in case.plan.blocks]
    counted = [block.index for block in case.blocks]
    if counted != planned[: len(counted)]:
        yield gone(f"blocks {planned[: len(counted)]}", f"complete pairs only of blocks {counted}", at(case.plan_file))
    failed = {
        leg.record.block
        for leg in case.comparison.legs
        if leg.record is not None and leg.record.status == "failed" and not leg.name.endswith(AGAIN)
    }
    for leg in case.comparison.legs:
        if leg.record is None:
            yield gone("a closed launch", "leg.json is missing", at(leg.path("leg.json")), "D06")
        elif leg.name.endswith(AGAIN) and leg.record.block not in failed:
            yield gone(
                "a repeated block only after a recorded failure",
                f"block {leg.record.block} was measured twice and its first result left out",
                at(leg.path("leg.json")),
                "D11",
            )
    repeated = sorted(failed)
    if repeated:
        yield flag(
            "no launch fails",
            f"block {', '.join(map(str, repeated))} lost a launch and was measured again",
            "look at the failed leg's server.log; a lever that makes the server fail is no gain",
            *(at(leg.path("leg.json")) for leg in case.comparison.legs if leg.record and leg.record.status == "failed"),
            modes=("D11", "H17"),
        )


def _symmetry(case: Case) -> Iterator[Outcome]:
    """Failed requests on either side: more of them on the candidate is harm, on both is a faulty measurement.

    At most one for each launch, and no more on the candidate, is what a network does: a remark.
    """
    counts = [sum(row.failed or 0 for leg in legs for row in leg.rows) for legs in _sides(case)]
    if not any(counts):
        return
    if 0 < counts[1] <= counts[0] and all(
        sum(row.failed or 0 for row in leg.rows) <= min(1.0, FEW * sum(row.issued or 0 for row in leg.rows))
        for leg in case.legs
    ):
        yield Remark(f"{counts[0]} requests failed on the reference and {counts[1]} on the candidate, one a launch")
        return
    worst = next(leg for legs in _sides(case)[::-1] for leg in legs if any(row.failed for row in leg.rows))
    where = at(worst.path("bench_runs.jsonl"), next(row.line for row in worst.rows if row.failed))
    yield fail(
        "no failed requests",
        f"{counts[0]} failed on the reference, {counts[1]} on the candidate",
        "find the error in the round's `errors` list; a faulted round must be measured again on both legs",
        where,
        action=Action.EJECT if counts[1] > counts[0] else Action.REMEASURE,
        modes=("Q09", "D05"),
        code="failed_requests",
    )


def _sides(case: Case) -> list[tuple[LegView, ...]]:
    return [case.counted(side) for side in Side]


rule = Rule("rows_complete", COMPARISONS, ("D06", "D11", "Q08", "Q09", "D05"), ("lever", "rounds"), check, gate=True)
