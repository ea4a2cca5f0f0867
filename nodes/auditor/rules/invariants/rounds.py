"""Every figure that a round's record states follows from the per-request lists of the same record (D14 D11 Q08 C08).

The summaries of the load generator are recomputed from the lists; sums of times are bounded by what one clock allows;
the load is the one that the plan declares; the timed spans of ``leg.json`` enclose the rounds. One relation each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import fmean, median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.evidence import LEG, ROUNDS, each_round, replayed, stamped, timed_launches
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair, judge_invariants
from bankable.nodes.auditor.reading.round_facts import RoundFacts
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Rule
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import Side, Workload
from bankable.tools.statistics.latency import percentiles

Figure = Callable[[BenchRound, RoundFacts], float | None]
EXACT = 1e-6
"""Relative difference that summing in another order may leave."""
COMPUTED = "the same numbers in another order of summation; honest rounds agree to 1e-9"


def _figure(name: str) -> Figure:
    return lambda _, facts: facts.figures.get(name)


def _pairs(left: Figure, right: Figure) -> Callable[[Case], Iterator[ValuePair]]:
    """A figure of each round against another one of the same round, where both are there."""

    def read(case: Case) -> Iterator[ValuePair]:
        for leg, row, facts in each_round(case):
            if not row.completed or not facts.spans:
                continue
            values = left(row, facts), right(row, facts)
            if values[0] is not None and values[1] is not None:
                yield ValuePair(values[0], values[1], leg.path(ROUNDS), row.line)

    return read


def _mean_ms(values: Callable[[RoundFacts], list[float]]) -> Figure:
    return lambda _, facts: 1000.0 * fmean(values(facts))


def _percentile_ms(values: Callable[[RoundFacts], list[float]], q: float) -> Figure:
    return lambda _, facts: 1000.0 * percentiles(values(facts), (q,))[0]


def _ttfts(facts: RoundFacts) -> list[float]:
    return list(facts.ttfts)


def _spans(facts: RoundFacts) -> list[float]:
    return list(facts.spans)


def _in_flight(row: BenchRound, facts: RoundFacts) -> float | None:
    """Requests that may be in flight at once; one at a time is the least that any round allows."""
    limit = facts.figures.get("max_concurrency")
    return None if limit is None or row.duration is None else row.duration * max(1.0, limit)


def _busy(_: BenchRound, facts: RoundFacts) -> float:
    return sum(facts.spans)


def _longest_parallel(row: BenchRound, facts: RoundFacts) -> float | None:
    return sum(facts.spans) / row.duration if row.duration else None


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


def _equal_texts(case: Case) -> Iterator[ValuePair]:
    for leg, row, facts in each_round(case):
        if facts.starts:
            yield ValuePair(float(len(facts.starts)), float(len(row.output_lens)), leg.path(ROUNDS), row.line)


def _same_seed(case: Case) -> Iterator[ValuePair]:
    """One seed draws one set of prompts."""
    digests: dict[int, str] = {}
    for leg, row, stamp in stamped(case):
        if replayed(leg):
            continue
        known = digests.setdefault(stamp.seed, stamp.request_digest)
        yield ValuePair(stamp.request_digest, known, leg.path(ROUNDS), row.line)


def _other_seed(case: Case) -> Iterator[ValuePair]:
    """Two seeds draw two sets of prompts."""
    seeds: dict[str, int] = {}
    for leg, row, stamp in stamped(case):
        if replayed(leg):
            continue
        known = seeds.setdefault(stamp.request_digest, stamp.seed)
        yield ValuePair(float(stamp.seed), float(known), leg.path(ROUNDS), row.line)


def _input(row: BenchRound) -> float | None:
    return float(row.input_tokens) if row.input_tokens is not None else None


def _output(row: BenchRound) -> float | None:
    return float(row.output_tokens) if row.output_tokens is not None else None


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="busy_time",
        left="bench_runs.jsonl: Σ (TTFT + gaps)",
        relation=Relation.AT_MOST,
        right="bench_runs.jsonl: duration × max_concurrency",
        tolerance=0.01,
        reason="no more requests than the limit are in flight; honest rounds reach 0.99 of it, the clocks differ by ms",
        mode="D14",
        read=_pairs(_busy, _in_flight),
    ),
    Invariant(
        id="stated_concurrency",
        left="bench_runs.jsonl: concurrency",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: Σ (TTFT + gaps) / duration",
        tolerance=0.03,
        reason="the stated one counts the end of each stream too, up to 1 % of short requests",
        mode="D14",
        read=_pairs(_figure("concurrency"), _longest_parallel),
    ),
    Invariant(
        id="median_e2e",
        left="bench_runs.jsonl: median_e2e_latency_ms",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: median of TTFT + gaps",
        tolerance=0.02,
        reason="the end of a stream comes after its last token, milliseconds of each request",
        mode="D14",
        read=_pairs(_figure("median_e2e_latency_ms"), _percentile_ms(_spans, 50)),
    ),
    Invariant(
        id="mean_e2e",
        left="bench_runs.jsonl: mean_e2e_latency_ms",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: mean of TTFT + gaps",
        tolerance=0.02,
        reason="the end of a stream comes after its last token, milliseconds of each request",
        mode="D14",
        read=_pairs(_figure("mean_e2e_latency_ms"), _mean_ms(_spans)),
    ),
    Invariant(
        id="p99_e2e",
        left="bench_runs.jsonl: p99_e2e_latency_ms",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: 99th percentile of TTFT + gaps",
        tolerance=0.02,
        reason="the end of a stream comes after its last token, milliseconds of each request",
        mode="D14",
        read=_pairs(_figure("p99_e2e_latency_ms"), _percentile_ms(_spans, 99)),
    ),
    Invariant(
        id="mean_ttft",
        left="bench_runs.jsonl: mean_ttft_ms",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: mean of ttfts",
        tolerance=EXACT,
        reason=COMPUTED,
        mode="D14",
        read=_pairs(_figure("mean_ttft_ms"), _mean_ms(_ttfts)),
    ),
    Invariant(
        id="p90_ttft",
        left="bench_runs.jsonl: p90_ttft_ms",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: 90th percentile of ttfts",
        tolerance=EXACT,
        reason=COMPUTED,
        mode="D14",
        read=_pairs(_figure("p90_ttft_ms"), _percentile_ms(_ttfts, 90)),
    ),
    Invariant(
        id="p95_ttft",
        left="bench_runs.jsonl: p95_ttft_ms",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: 95th percentile of ttfts",
        tolerance=EXACT,
        reason=COMPUTED,
        mode="D14",
        read=_pairs(_figure("p95_ttft_ms"), _percentile_ms(_ttfts, 95)),
    ),
    Invariant(
        id="mean_itl",
        left="bench_runs.jsonl: mean_itl_ms",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: mean of all gaps",
        tolerance=EXACT,
        reason=COMPUTED,
        mode="D14",
        read=_pairs(_figure("mean_itl_ms"), lambda _, facts: 1000.0 * facts.gap_s / facts.gaps if facts.gaps else None),
    ),
    Invariant(
        id="p99_tpot",
        left="bench_runs.jsonl: p99_tpot_ms",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: 99th percentile of gaps per output token",
        tolerance=0.05,
        reason="the stated one counts the end of each stream",
        mode="D14",
        read=_pairs(_figure("p99_tpot_ms"), lambda _, facts: facts.p99_tpot_ms or None),
    ),
    Invariant(
        id="input_tokens",
        left="bench_runs.jsonl: total_input_tokens",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: Σ input_lens",
        tolerance=0.0,
        reason="a count",
        mode="D11",
        read=_pairs(
            _figure("total_input_tokens"),
            lambda row, _: float(row.input_tokens) if row.input_tokens is not None and not row.failed else None,
        ),
    ),
    Invariant(
        id="input_throughput",
        left="bench_runs.jsonl: input_throughput × duration",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: total_input_tokens",
        tolerance=EXACT,
        reason=COMPUTED,
        mode="D14",
        read=_pairs(
            lambda row, facts: _times(facts.figures.get("input_throughput"), row.duration),
            _figure("total_input_tokens"),
        ),
    ),
    Invariant(
        id="total_throughput",
        left="bench_runs.jsonl: total_throughput",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: input_throughput + output_throughput",
        tolerance=EXACT,
        reason=COMPUTED,
        mode="D14",
        read=_pairs(
            _figure("total_throughput"),
            lambda _, facts: _plus(facts.figures.get("input_throughput"), facts.figures.get("output_throughput")),
        ),
    ),
    Invariant(
        id="retokenized",
        left="bench_runs.jsonl: total_output_tokens_retokenized",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: total_output_tokens",
        tolerance=0.05,
        reason="text that is tokenized again may merge or split a few tokens: 0.99 to 1.01 in honest rounds",
        mode="Q08",
        read=_pairs(_figure("total_output_tokens_retokenized"), _figure("total_output_tokens")),
    ),
    Invariant(
        id="tokens_in_a_second",
        left="bench_runs.jsonl: max_output_tokens_per_s",
        relation=Relation.AT_MOST,
        right="bench_runs.jsonl: total_output_tokens",
        tolerance=0.0,
        reason="the tokens of one second are some of all tokens",
        mode="D14",
        read=_pairs(_figure("max_output_tokens_per_s"), _figure("total_output_tokens")),
    ),
    Invariant(
        id="requests_in_a_second",
        left="bench_runs.jsonl: max_concurrent_requests",
        relation=Relation.AT_MOST,
        right="bench_runs.jsonl: completed",
        tolerance=0.0,
        reason="the requests of one second are some of all requests",
        mode="D14",
        read=_pairs(_figure("max_concurrent_requests"), _figure("completed")),
    ),
    Invariant(
        id="cache_prompts",
        left="bench_runs.jsonl: cache_report.total_prompt_tokens",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: Σ input_lens",
        tolerance=0.02,
        reason="the server's count may add a token for each prompt's begin",
        mode="C17",
        read=_pairs(
            lambda _, facts: facts.cache.get("total_prompt_tokens"),
            lambda row, _: _input(row) if not row.failed else None,
        ),
    ),
    Invariant(
        id="cache_hits",
        left="bench_runs.jsonl: cache_report.total_cached_tokens",
        relation=Relation.SAME,
        right="bench_runs.jsonl: Σ cached_tokens",
        tolerance=0.0,
        reason="a count",
        mode="C17",
        read=_pairs(
            lambda _, facts: facts.cache.get("total_cached_tokens"),
            lambda row, _: float(row.cached_tokens) if row.cached_tokens is not None and not row.failed else None,
        ),
    ),
    Invariant(
        id="cached_of_prompt",
        left="bench_runs.jsonl: requests with more cached than prompt tokens",
        relation=Relation.SAME,
        right="none",
        tolerance=0.0,
        reason="the cache holds prompt tokens only",
        mode="C17",
        read=_pairs(lambda _, facts: float(facts.overcached), lambda *_: 0.0),
    ),
    Invariant(
        id="text_of_credited",
        left="bench_runs.jsonl: requests with credited tokens and an empty text",
        relation=Relation.AT_MOST,
        right="bench_runs.jsonl: a tenth of completed",
        tolerance=0.0,
        reason="tokens may decode to nothing, in a few requests only",
        mode="Q08",
        read=_pairs(
            lambda _, facts: float(facts.empty) if facts.starts else None,
            lambda row, _: max(1.0, 0.1 * (row.completed or 0)),
        ),
    ),
    Invariant(
        id="texts_listed",
        left="bench_runs.jsonl: number of generated_texts",
        relation=Relation.EQUAL,
        right="bench_runs.jsonl: number of output_lens",
        tolerance=0.0,
        reason="one text for each request",
        mode="D11",
        read=_equal_texts,
    ),
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
        read=_lengths(_input, lambda workload: workload.input_len),
    ),
    Invariant(
        id="planned_answer_tokens",
        left="bench_runs.jsonl: Σ output_lens",
        relation=Relation.AT_MOST,
        right="plan.json: requests × workload.output_len",
        tolerance=0.0,
        reason="no answer is longer than what was asked for",
        mode="Q08",
        read=_lengths(_output, lambda workload: workload.output_len),
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


def _times(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left * right


def _plus(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left + right


def check(case: Case) -> Iterator[Outcome]:
    return judge_invariants(INVARIANTS, case)


rule = Rule("invariants_rounds", COMPARISONS, ("D14", "D11", "Q08", "C08", "C17", "R03"), ("lever", "rounds"), check)
