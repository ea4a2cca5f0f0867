"""Every request that was sent is accounted for, and every token that is credited was returned.

Proves, per timed round of every leg that counts: issued = finished + failed = recorded; the recorded totals are the
sums over requests; no failed request vanished; requests are credited with tokens that their streams showed;
the round lasted at least as long as its longest request, and no longer than the clock around it; the declared number
of rounds and prompts was taken (D06 D11 Q08 Q09). Blocks are retried only after a recorded failure.
"""

from __future__ import annotations

from collections.abc import Iterator

from nodes.auditor.case import Case
from nodes.auditor.reading.rows import Row
from nodes.auditor.reading.view import LegView
from nodes.auditor.rule import COMPARISONS, Found, Outcome, Rule, at, fail, flag
from nodes.auditor.verdict import Action, Evidence

CLOCK_SLACK_S = 0.25
"""Between the load generator's clock and the one around it."""
UNSTREAMED = 0.25
"""Share of credited tokens without a gap of their own: a busy server sends several tokens in its first piece."""
AGAIN = "-again"


def check(case: Case) -> Iterator[Outcome]:
    for leg in case.legs:
        for row in leg.rows:
            yield from row_findings(leg, row, case.plan.workload.num_prompts)
        yield from _leg(case, leg)
    yield from _blocks(case)
    yield from _symmetry(case)


def row_findings(leg: LegView, row: Row, planned: int | None) -> Iterator[Found]:
    """Account for the requests and tokens of one round; ``planned`` is the number of prompts, where a plan says."""
    where = at(leg.path("bench_runs.jsonl"), row.line)
    recorded = len(row.output_lens)
    issued = row.stamp.issued if row.stamp else recorded
    if issued != recorded or row.completed + row.failed != issued:
        yield _gone(
            f"{issued} issued = finished + failed",
            f"{row.completed} finished + {row.failed} failed, {recorded} recorded",
            where,
        )
    elif row.completed != row.succeeded:
        yield _gone(f"{row.succeeded} requests with tokens and no error", f"completed = {row.completed}", where, "Q09")
    if planned is not None and issued != planned:
        yield _gone(f"{planned} prompts, as planned", f"{issued} issued", where)
    if row.total_output != row.raw.total_output_tokens:
        yield _gone(
            f"{row.raw.total_output_tokens} tokens returned by requests",
            f"total_output_tokens = {row.total_output}",
            where,
            "Q08",
        )
    unseen = _unstreamed(row)
    if unseen > UNSTREAMED * max(1, row.raw.total_output_tokens):
        yield _gone(
            "credited tokens that were streamed",
            f"{unseen} of {row.raw.total_output_tokens} tokens have no place in any stream",
            where,
            "Q08",
        )
    longest = row.raw.longest_request_s
    if row.duration < longest - CLOCK_SLACK_S:
        yield _gone(
            "a round as long as its longest request", f"{row.duration:.3f} s, request {longest:.3f} s", where, "D14"
        )
    if row.stamp and row.duration > row.stamp.ended - row.stamp.started + CLOCK_SLACK_S:
        yield _gone("a duration within the round's own clock", f"{row.duration:.3f} s", where, "D14")


def _unstreamed(row: Row) -> int:
    """Credited tokens beyond one per gap and one first piece per request."""
    interval = row.server_info.get("stream_interval", 1)
    piece = max(1, interval) if isinstance(interval, int) else 1
    return sum(max(0, length - gaps - piece) for length, gaps in zip(row.output_lens, row.streamed, strict=True))


def _leg(case: Case, leg: LegView) -> Iterator[Found]:
    planned = case.plan.rounds_per_leg
    if (record := leg.record) is None:
        return
    where = at(leg.path("bench_runs.jsonl"))
    if len(leg.rows) != record.timed_rounds or len(leg.rows) != planned:
        yield _gone(
            f"{planned} timed rounds, as planned",
            f"{len(leg.rows)} in the file, {record.timed_rounds} in leg.json",
            where,
        )
    indices = [row.stamp.index for row in leg.rows if row.stamp]
    if indices and indices != list(range(len(leg.rows))):
        yield _gone("rounds numbered 0, 1, 2, …", f"numbers {indices}", where)
    if any(row.stamp is None for row in leg.rows):
        yield _gone("every round stamped by the measurement layer", "a round without a stamp", where)
    elif any(row.stamp and row.stamp.leg_id != record.leg_id for row in leg.rows):
        yield _gone(f"rounds of {record.leg_id}", "a round stamped for another leg", where)


def _blocks(case: Case) -> Iterator[Found]:
    """Every started block counts: complete pairs in the order of the plan, retries only for recorded failures."""
    planned = [block.index for block in case.plan.blocks]
    counted = [block.index for block in case.blocks]
    if counted != planned[: len(counted)]:
        yield _gone(f"blocks {planned[: len(counted)]}", f"complete pairs only of blocks {counted}", at(case.plan_file))
    failed = {
        leg.record.block
        for leg in case.comparison.legs
        if leg.record is not None and leg.record.status == "failed" and not leg.name.endswith(AGAIN)
    }
    for leg in case.comparison.legs:
        if leg.record is None:
            yield _gone("a closed launch", "leg.json is missing", at(leg.path("leg.json")), "D06")
        elif leg.name.endswith(AGAIN) and leg.record.block not in failed:
            yield _gone(
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


def _symmetry(case: Case) -> Iterator[Found]:
    """Failed requests on either side: more of them on the candidate is harm, on both is a faulty measurement."""
    counts = [sum(row.failed for leg in legs for row in leg.rows) for legs in _sides(case)]
    if not any(counts):
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


def _sides(case: Case) -> list[list[LegView]]:
    return [[block.reference for block in case.blocks], [block.candidate for block in case.blocks]]


def _gone(expected: str, observed: str, where: Evidence, mode: str = "D11") -> Found:
    return fail(
        expected,
        observed,
        "keep every row that was measured, on both legs alike, and count returned tokens only",
        where,
        action=Action.REMEASURE,
        modes=(mode,),
        code="rows",
    )


rule = Rule("rows_complete", COMPARISONS, ("D06", "D11", "Q08", "Q09", "D05"), ("plan", "rounds"), check, gate=True)
