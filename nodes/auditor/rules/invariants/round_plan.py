"""Rounds against plan, launch and each other: lengths, times and seeds (C08 Q08 D14 D11 R03 C17)."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.evidence import (
    LEG,
    ROUNDS,
    each_round,
    input_tokens,
    output_tokens,
    replayed,
    stamped,
    timed_launches,
)
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.rules.invariants.round_figures import EXACT
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import RoundStamp, Side, Workload

FULL = 1.25
"""Duration over the replayed load of a reference beyond which something else than requests filled its rounds."""
SHORTEST_S = 1.0
"""Usual duration of a round below which the load generator's own time is no small share of it."""
FEWEST_ROUNDS = 4
"""Rounds below which nothing is said about a usual one."""


def _planned(left: str, right: Callable[[Workload], float | None]) -> Callable[[Case], Iterator[ValuePair]]:
    """An argument of the load generator against the plan's workload."""

    def read(case: Case) -> Iterator[ValuePair]:
        workload = case.planned.workload if case.planned is not None else None
        if workload is None or (wanted := right(workload)) is None:
            return
        for leg, row, facts in each_round(case):
            if left in facts.figures:
                yield ValuePair(facts.figures[left], wanted, leg.path(ROUNDS), row.line)

    return read


def _random_length(length: Callable[[Workload], int]) -> Callable[[Workload], float | None]:
    return lambda workload: float(length(workload)) if workload.dataset == "random-ids" else None


def _lengths(
    side: Callable[[BenchRound], float | None], length: Callable[[Workload], int]
) -> Callable[[Case], Iterator[ValuePair]]:
    """Tokens of all requests against what the plan's lengths allow."""

    def read(case: Case) -> Iterator[ValuePair]:
        workload = case.planned.workload if case.planned is not None else None
        if workload is None or workload.dataset != "random-ids":
            return
        for leg, row, _ in each_round(case):
            if (tokens := side(row)) is not None:
                yield ValuePair(tokens, float(length(workload) * len(row.output_lens)), leg.path(ROUNDS), row.line)

    return read


def _overhead(case: Case) -> Iterator[ValuePair]:
    """Time of a round outside its duration, median over each side: start and end of the load generator."""
    outside: dict[Side, list[float]] = {side: [] for side in Side}
    for leg, row, stamp in stamped(case):
        if leg.side is not None and row.duration is not None and not replayed(leg):
            outside[leg.side].append(stamp.ended - stamp.started - row.duration)
    if all(outside.values()):
        candidate, reference = median(outside[Side.CANDIDATE]), median(outside[Side.REFERENCE])
        yield ValuePair(candidate, reference, case.candidate_file)


def _replayed(case: Case) -> Iterator[ValuePair]:
    """Duration over the time that the load takes when each slot sends the listed requests one after the other.

    Median over the rounds of each side; only of loads without a rate, which send the next request at once, and whose
    reference was kept busy.
    """
    ratios: dict[Side, list[float]] = {side: [] for side in Side}
    for leg, row, facts in each_round(case):
        limit = facts.figures.get("max_concurrency", float(len(facts.spans)))
        unlimited = dict(row.arguments).get("request_rate", "inf") in ("None", "inf")
        if leg.side is None or not row.duration or not unlimited or not facts.spans or max(facts.spans) <= 0:
            continue
        ratios[leg.side].append(row.duration / replay_load(facts.spans, max(1, int(limit))))
    if all(ratios.values()) and median(ratios[Side.REFERENCE]) <= FULL:
        yield ValuePair(median(ratios[Side.CANDIDATE]), median(ratios[Side.REFERENCE]), case.candidate_file)


def replay_load(spans: Sequence[float], slots: int) -> float:
    """Seconds from the first request to the end of the last, when each of ``slots`` sends one after the other."""
    free = [0.0] * min(slots, len(spans))
    for span in spans:
        heapq.heapreplace(free, free[0] + span)
    return max(free)


def _outside(row: BenchRound, stamp: RoundStamp) -> float:
    """Seconds of a round's wall time outside its duration."""
    return stamp.ended - stamp.started - (row.duration or 0.0)


def _each_overhead(case: Case) -> Iterator[ValuePair]:
    """Time of each round outside its duration, against the median of all."""
    rounds = [(leg, row, stamp) for leg, row, stamp in stamped(case) if row.duration is not None and not replayed(leg)]
    if len(rounds) < FEWEST_ROUNDS:
        return
    usual = median(_outside(row, stamp) for _, row, stamp in rounds)
    for leg, row, stamp in rounds:
        yield ValuePair(_outside(row, stamp), usual, leg.path(ROUNDS), row.line)


def _overhead_share(case: Case) -> Iterator[ValuePair]:
    """The difference of both sides' overheads as a share of a usual round."""
    durations = [row.duration for leg, row, _ in stamped(case) if row.duration and not replayed(leg)]
    usual = median(durations) if durations else 0.0
    for pair in _overhead(case) if usual >= SHORTEST_S else ():
        if isinstance(pair.left, float) and isinstance(pair.right, float):
            yield ValuePair((pair.left - pair.right) / usual, 0.0, pair.file)


def _spans_count(case: Case) -> Iterator[ValuePair]:
    for leg, record in timed_launches(case):
        if record.spans:
            count = sum(span.kind == "round" for span in record.spans)
            yield ValuePair(float(count), float(len(leg.rows)), leg.path(LEG))


def _enclosed(case: Case) -> Iterator[ValuePair]:
    """How far a stamped round reaches out of the span that ``leg.json`` has for it, seconds."""
    for leg, row, stamp in stamped(case):
        if leg.record is None or leg.record.driver == "replay":
            continue
        spans = [span for span in leg.record.spans if span.kind == "round"]
        if stamp.index < len(spans) and stamp.index >= 0:
            span = spans[stamp.index]
            outside = max(span.started - stamp.started, stamp.ended - span.ended, 0.0)
            yield ValuePair(outside, 0.0, leg.path(ROUNDS), row.line)


def _same_seed(case: Case) -> Iterator[ValuePair]:
    """One seed draws one set of prompts."""
    digests: dict[int, str] = {}
    for leg, row, stamp in stamped(case):
        if replayed(leg):
            continue
        first_digest = digests.setdefault(stamp.seed, stamp.request_digest)
        yield ValuePair(stamp.request_digest, first_digest, leg.path(ROUNDS), row.line)


def _other_seed(case: Case) -> Iterator[ValuePair]:
    """Two seeds draw two sets of prompts."""
    seeds: dict[str, int] = {}
    for leg, row, stamp in stamped(case):
        if replayed(leg):
            continue
        first_seed = seeds.setdefault(stamp.request_digest, stamp.seed)
        yield ValuePair(float(stamp.seed), float(first_seed), leg.path(ROUNDS), row.line)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="planned_concurrency",
        left="bench_runs.jsonl: max_concurrency",
        relation=Relation.EQUAL,
        right="plan.json: workload.concurrency",
        tolerance=0.0,
        reason="the load generator gets the planned number",
        mode="C08",
        read=_planned("max_concurrency", lambda workload: float(workload.concurrency)),
    ),
    Invariant(
        id="planned_input_len",
        left="bench_runs.jsonl: random_input_len",
        relation=Relation.EQUAL,
        right="plan.json: workload.input_len",
        tolerance=0.0,
        reason="the load generator gets the planned number",
        mode="C08",
        read=_planned("random_input_len", _random_length(lambda workload: workload.input_len)),
    ),
    Invariant(
        id="planned_output_len",
        left="bench_runs.jsonl: random_output_len",
        relation=Relation.EQUAL,
        right="plan.json: workload.output_len",
        tolerance=0.0,
        reason="the load generator gets the planned number",
        mode="C08",
        read=_planned("random_output_len", _random_length(lambda workload: workload.output_len)),
    ),
    Invariant(
        id="planned_ratio",
        left="bench_runs.jsonl: random_range_ratio",
        relation=Relation.EQUAL,
        right="plan.json: workload.range_ratio",
        tolerance=EXACT,
        reason="the load generator gets the planned number",
        mode="C08",
        read=_planned(
            "random_range_ratio",
            lambda workload: workload.range_ratio if workload.dataset == "random-ids" else None,
        ),
    ),
    Invariant(
        id="planned_prompt_tokens",
        left="bench_runs.jsonl: Σ input_lens",
        relation=Relation.AT_MOST,
        right="plan.json: requests × workload.input_len",
        tolerance=0.05,
        reason="a prompt of random tokens may gain a few when it is decoded and encoded again",
        mode="C08",
        read=_lengths(input_tokens, lambda workload: workload.input_len),
    ),
    Invariant(
        id="planned_answer_tokens",
        left="bench_runs.jsonl: Σ output_lens",
        relation=Relation.AT_MOST,
        right="plan.json: requests × workload.output_len",
        tolerance=0.0,
        reason="no answer is longer than what was asked for",
        mode="Q08",
        read=_lengths(output_tokens, lambda workload: workload.output_len),
    ),
    Invariant(
        id="overhead_of_rounds",
        left="bench_runs.jsonl: median (ended − started − duration) of the candidate, seconds",
        relation=Relation.SAME,
        right="the same of the reference",
        tolerance=0.15,
        reason="the load generator starts and ends alike on both sides; over several rounds a median moves by 10 ms",
        mode="D14",
        read=_overhead,
    ),
    Invariant(
        id="replayed_load",
        left="bench_runs.jsonl: median of duration over the replayed load, candidate",
        relation=Relation.SAME,
        right="the same of the reference",
        tolerance=0.06,
        reason="both sides differ by 0.017 at most, requests in another order by 0.03; the load generator is the same",
        mode="D14",
        read=_replayed,
        severity=Severity.FLAG,
    ),
    Invariant(
        id="overhead_share",
        left="bench_runs.jsonl: difference of both sides' overheads, over a usual duration",
        relation=Relation.SAME,
        right="none",
        tolerance=0.04,
        reason="10 ms of rounds that take seconds; a window that leaves a twentieth out shows",
        mode="D14",
        read=_overhead_share,
        severity=Severity.FLAG,
    ),
    Invariant(
        id="overhead_of_each_round",
        left="bench_runs.jsonl: ended − started − duration of a round, seconds",
        relation=Relation.SAME,
        right="the median of all rounds",
        tolerance=1.0,
        reason="the load generator starts and ends alike; a busy machine delays single starts by 0.4 s",
        mode="D14",
        read=_each_overhead,
        severity=Severity.FLAG,
    ),
    Invariant(
        id="timed_spans",
        left="leg.json: spans of kind round",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: rounds",
        tolerance=0.0,
        reason="a count",
        mode="D11",
        read=_spans_count,
    ),
    Invariant(
        id="rounds_in_spans",
        left="bench_runs.jsonl: seconds of a round outside its span in leg.json",
        relation=Relation.SAME,
        right="none",
        tolerance=1.1,
        reason="both are taken around the same call; a record may have whole seconds",
        mode="R03",
        read=_enclosed,
    ),
    Invariant(
        id="one_digest_of_a_seed",
        left="bench_runs.jsonl: request_digest",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: request_digest of another round with this seed",
        tolerance=0.0,
        reason="prompts are drawn from the seed alone",
        mode="C08",
        read=_same_seed,
    ),
    Invariant(
        id="one_seed_of_a_digest",
        left="bench_runs.jsonl: seed",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: seed of another round with these prompts",
        tolerance=0.0,
        reason="two seeds draw different prompts, unless a data set holds fewer prompts than a round asks",
        mode="C17",
        read=_other_seed,
        severity=Severity.FLAG,
    ),
)
