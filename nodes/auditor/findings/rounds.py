"""Accounts for the requests and tokens of one round."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.findings.token_source import (
    UNSTREAMED,
    count_unstreamed,
    explain_missing_source,
    states_piece,
)
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import Found, Unverifiable, at, fail
from bankable.nodes.auditor.verdict import Action, Evidence

CLOCK_SLACK_S = 0.25
"""Tolerance in seconds between the load generator's clock and the surrounding one."""
TOKEN_FIX = "record the server's own usage with every request, or stream one token a piece"


def row_findings(leg: LegView, row: BenchRound, planned: int | None) -> Iterator[Found | Unverifiable]:
    """Account for the requests and tokens of one round; ``planned`` is the number of prompts, where a plan says."""
    where = at(leg.path("bench_runs.jsonl"), row.line)
    imported = bool(leg.format)
    why = explain_missing_source(row) if imported else ""
    if why and states_piece(row):
        yield gone("credited tokens that were streamed", why, where, "Q08")
    elif why:
        yield Unverifiable(f"the source of the token counts: {why}", (where,), fix=TOKEN_FIX)
    if not row.listed:
        yield from _counts(row, where)
        return
    recorded, completed, failed = len(row.output_lens), row.completed or 0, row.failed or 0
    issued = row.issued or 0
    output_tokens = row.output_tokens or 0
    if issued != recorded or completed + failed != issued:
        yield gone(
            f"{issued} issued = finished + failed",
            f"{completed} finished + {failed} failed, {recorded} recorded",
            where,
        )
    elif row.completed != row.succeeded:
        yield gone(f"{row.succeeded} requests with tokens and no error", f"completed = {row.completed}", where, "Q09")
    if planned is not None and issued != planned:
        yield gone(f"{planned} prompts, as planned", f"{issued} issued", where)
    if row.total_output != output_tokens:
        yield gone(
            f"{output_tokens} tokens returned by requests",
            f"total_output_tokens = {row.total_output}",
            where,
            "Q08",
        )
    unseen = 0 if imported else count_unstreamed(row)
    if unseen > UNSTREAMED * max(1, output_tokens):
        yield gone(
            "credited tokens that were streamed",
            f"{unseen} of {output_tokens} tokens have no place in any stream",
            where,
            "Q08",
        )
    duration, longest = row.duration or 0.0, row.longest_s or 0.0
    if duration < longest - CLOCK_SLACK_S:
        yield gone("a round as long as its longest request", f"{duration:.3f} s, request {longest:.3f} s", where, "D14")
    if row.stamp and duration > row.stamp.ended - row.stamp.started + CLOCK_SLACK_S:
        yield gone("a duration within the round's own clock", f"{duration:.3f} s", where, "D14")


def _counts(row: BenchRound, where: Evidence) -> Iterator[Found]:
    """Check the totals of a round that lists no requests. Without a count of failures, all have to finish."""
    if row.issued is None or row.completed is None:
        return
    if row.failed is None and row.completed < row.issued:
        observed = f"{row.issued} requests sent, {row.completed} finished"
        yield gone("every request that was sent finished, or counted as failed", observed, where)
    elif row.failed is not None and row.issued != row.completed + row.failed:
        sent, observed = f"{row.issued} requests sent", f"{row.completed} finished + {row.failed} failed"
        yield gone(f"{sent} = finished + failed", observed, where)


def gone(expected: str, observed: str, where: Evidence, mode: str = "D11") -> Found:
    """Findings for requests or tokens that are not accounted for."""
    return fail(
        expected,
        observed,
        "keep every row that was measured, on both legs alike, and count returned tokens only",
        where,
        action=Action.REMEASURE,
        modes=(mode,),
        code="rows",
    )
