"""Requests in the server's log against those that were sent and timed (D11 C17 Q09 R03 C08 C11).

Every request that was sent stands in the access log, and no other; the scheduler ran no more than were in flight.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.evidence import (
    LOG,
    is_whole_log,
    logged,
)
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.reading.view import LegView
from bankable.tools.evidence.records import LegRecord

GENERATE = "POST /generate"
WARM_UP = 0.85
"""Prompt tokens of a warm-up round at least, as a share of the smallest timed one: lengths may be drawn at random."""


def _sent(case: Case, leg: LegView, record: LegRecord) -> float | None:
    """Requests that the launch had to answer: rounds, warm-ups, probes and questions; ``None`` where it is unknown."""
    if case.planned is None or any(span.kind == "profile" for span in record.spans):
        return None
    rounds = sum(row.issued or 0 for row in leg.rows)
    warmups = record.warmups * case.planned.workload.num_prompts
    return float(rounds + warmups + len(leg.outputs) + len(leg.answers))


def _answered(case: Case) -> Iterator[ValuePair]:
    for leg, record, log in logged(case):
        wanted = _sent(case, leg, record)
        failed = any(row.failed for row in leg.rows)
        if is_whole_log(leg, log) and wanted is not None and record.driver == "live" and not failed:
            yield ValuePair(float(log.requests.get(GENERATE, 0)), wanted, leg.path(LOG))


def _answered_at_least(case: Case) -> Iterator[ValuePair]:
    """Of any launch, also one without a plan: the answered requests are at least those of the timed rounds."""
    for leg, _, log in logged(case):
        total = sum(count for path, count in log.requests.items() if path.startswith("POST /"))
        if is_whole_log(leg, log) and leg.rows and all(row.completed is not None for row in leg.rows):
            yield ValuePair(float(total), float(sum(row.completed or 0 for row in leg.rows)), leg.path(LOG))


def _flushes(case: Case) -> Iterator[ValuePair]:
    for leg, record, log in logged(case):
        flushed = sum(row.stamp is not None and row.stamp.flushed for row in leg.rows)
        if is_whole_log(leg, log) and flushed == len(leg.rows):
            wanted = float(flushed + record.warmups)
            yield ValuePair(float(log.requests.get("POST /flush_cache", 0)), wanted, leg.path(LOG))


def _refused(case: Case) -> Iterator[ValuePair]:
    for leg, _, log in logged(case):
        if is_whole_log(leg, log):
            yield ValuePair(float(log.refused), float(max(1, sum(row.failed or 0 for row in leg.rows))), leg.path(LOG))


def _access_everywhere(case: Case) -> Iterator[ValuePair]:
    """An access log on every launch, or on none."""
    facts = [(leg, log) for leg, _, log in logged(case) if is_whole_log(leg, log)]
    if any(log.requests for _, log in facts):
        for leg, log in facts:
            yield ValuePair("access log" if log.requests else "no access log", "access log", leg.path(LOG))


def _running(case: Case) -> Iterator[ValuePair]:
    """Most requests in one batch against the load generator's limit."""
    for leg, _, log in logged(case):
        limits = [row.facts.figures.get("max_concurrency") for row in leg.rows if row.facts is not None]
        known = [limit for limit in limits if limit is not None]
        if is_whole_log(leg, log) and known and len(known) == len(leg.rows):
            yield ValuePair(float(log.peak_running), max(1.0, *known), leg.path(LOG))


def _prompt_tokens(case: Case) -> Iterator[ValuePair]:
    """Prompt tokens that the scheduler took against those of the rounds, and of warm-ups where their number is sure."""
    for leg, record, log in logged(case):
        if is_whole_log(leg, log):
            rounds = [row.input_tokens or 0 for row in leg.rows if not row.failed]
            known = _sent(case, leg, record) is not None and record.driver == "live"
            warm = WARM_UP * record.warmups * min(rounds, default=0) if known else 0.0
            yield ValuePair(float(log.prompt_tokens), sum(rounds) + warm, leg.path(LOG))


def _prompt_limit(case: Case) -> Iterator[ValuePair]:
    """Of launches without probes and questions: prompts of rounds and warm-ups are all that the scheduler took."""
    for leg, record, log in logged(case):
        if not is_whole_log(leg, log) or leg.outputs or leg.answers or log.retractions:
            continue
        if _sent(case, leg, record) is None or not leg.rows or record.driver != "live":
            continue
        rounds = [row.input_tokens or 0 for row in leg.rows]
        if any(row.failed for row in leg.rows):
            continue
        yield ValuePair(float(log.prompt_tokens), float(sum(rounds) + record.warmups * max(rounds)), leg.path(LOG))


def _cached_tokens(case: Case) -> Iterator[ValuePair]:
    for leg, _, log in logged(case):
        cached = [row.cached_tokens for row in leg.rows]
        if is_whole_log(leg, log) and None not in cached:
            yield ValuePair(float(log.cached_tokens), float(sum(value or 0 for value in cached)), leg.path(LOG))


def _other_hits(case: Case) -> Iterator[ValuePair]:
    """Cached tokens that the rounds do not have, against prompt tokens that the rounds do not have."""
    for leg, _, log in logged(case):
        cached = [row.cached_tokens for row in leg.rows]
        if is_whole_log(leg, log) and None not in cached and not any(row.failed for row in leg.rows):
            hits = log.cached_tokens - sum(value or 0 for value in cached)
            prompts = log.prompt_tokens - sum(row.input_tokens or 0 for row in leg.rows)
            yield ValuePair(float(hits), max(float(prompts), 0.01 * log.prompt_tokens), leg.path(LOG))


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="answered_requests",
        left="server.log: POST /generate lines",
        relation=Relation.EQUAL,
        right="requests of rounds, warm-ups, probes and questions",
        tolerance=0.0,
        reason="a count; exact in every recorded launch",
        mode="D11",
        read=_answered,
    ),
    Invariant(
        id="answered_rounds",
        left="server.log: answered POST lines",
        relation=Relation.AT_LEAST,
        right="bench_runs.jsonl: Σ completed",
        tolerance=0.0,
        reason="every completed request was answered by this server",
        mode="D11",
        read=_answered_at_least,
    ),
    Invariant(
        id="flushes",
        left="server.log: POST /flush_cache lines",
        relation=Relation.EQUAL,
        right="rounds stamped as flushed, and warm-ups",
        tolerance=0.0,
        reason="a count; exact in every recorded launch",
        mode="C17",
        read=_flushes,
    ),
    Invariant(
        id="refused_requests",
        left="server.log: answers with an error status",
        relation=Relation.AT_MOST,
        right="bench_runs.jsonl: failed requests, or one",
        tolerance=0.0,
        reason="one refused start-up request is common",
        mode="Q09",
        read=_refused,
    ),
    Invariant(
        id="access_log_everywhere",
        left="server.log: access log",
        relation=Relation.EQUAL,
        right="that of the other launches",
        tolerance=0.0,
        reason="all launches of a comparison log alike",
        mode="R03",
        read=_access_everywhere,
    ),
    Invariant(
        id="running_requests",
        left="server.log: most requests in one batch",
        relation=Relation.AT_MOST,
        right="bench_runs.jsonl: max_concurrency",
        tolerance=0.0,
        reason="the load generator holds back what exceeds the limit",
        mode="C08",
        read=_running,
    ),
    Invariant(
        id="logged_prompt_tokens",
        left="server.log: Σ (#new-token + #cached-token)",
        relation=Relation.AT_LEAST,
        right="bench_runs.jsonl: Σ input_lens, and 85 % of a round's for each warm-up",
        tolerance=0.005,
        reason="the last token of a prompt may be counted in another line",
        mode="C08",
        read=_prompt_tokens,
    ),
    Invariant(
        id="no_other_prompts",
        left="server.log: Σ (#new-token + #cached-token)",
        relation=Relation.AT_MOST,
        right="bench_runs.jsonl: Σ input_lens, and a round's for each warm-up",
        tolerance=0.05,
        reason="a health check of a few tokens; prompts of random length make warm-ups differ",
        mode="C11",
        read=_prompt_limit,
    ),
    Invariant(
        id="logged_cached_tokens",
        left="server.log: Σ #cached-token",
        relation=Relation.AT_LEAST,
        right="bench_runs.jsonl: Σ cached_tokens",
        tolerance=0.005,
        reason="the scheduler counts cached tokens of every request, warm-ups and probes too",
        mode="C17",
        read=_cached_tokens,
    ),
    Invariant(
        id="other_hits",
        left="server.log and bench_runs.jsonl: Σ #cached-token − Σ cached_tokens",
        relation=Relation.AT_MOST,
        right="server.log and bench_runs.jsonl: Σ (#new-token + #cached-token) − Σ input_lens",
        tolerance=0.0,
        reason="hits that no round had are of prompts that no round had: of warm-ups, probes and questions",
        mode="C17",
        read=_other_hits,
    ),
)
