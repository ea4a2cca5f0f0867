"""Figures of a round against its own requests: times, sums, counts and texts (D14 D11 Q08 C17)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import fmean

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.evidence import (
    ROUNDS,
    each_round,
    input_tokens,
)
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.reading.round_facts import RoundFacts
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.statistics.latency import percentiles

Figure = Callable[[BenchRound, RoundFacts], float | None]

FEWEST_REQUESTS = 8
"""Requests of a round below which equal times may be chance."""
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


def _distinct_spans(_: BenchRound, facts: RoundFacts) -> float | None:
    """Different request times of a round, in nanoseconds; ``None`` for a handful of requests."""
    return float(len({round(1e9 * span) for span in facts.spans})) if len(facts.spans) >= FEWEST_REQUESTS else None


def _busy(_: BenchRound, facts: RoundFacts) -> float:
    return sum(facts.spans)


def _longest_parallel(row: BenchRound, facts: RoundFacts) -> float | None:
    return sum(facts.spans) / row.duration if row.duration else None


def _equal_texts(case: Case) -> Iterator[ValuePair]:
    for leg, row, facts in each_round(case):
        if facts.starts:
            yield ValuePair(float(len(facts.starts)), float(len(row.output_lens)), leg.path(ROUNDS), row.line)


def _times(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left * right


def _plus(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left + right


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
        id="distinct_requests",
        left="bench_runs.jsonl: different values of TTFT + gaps in a round",
        relation=Relation.AT_LEAST,
        right="bench_runs.jsonl: requests",
        tolerance=0.1,
        reason="clocks of nanoseconds give two requests one time by chance only, clocks of microseconds a few",
        mode="D14",
        read=_pairs(_distinct_spans, lambda _, facts: float(len(facts.spans))),
        severity=Severity.FLAG,
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
        right="bench_runs.jsonl: requests sent",
        tolerance=0.0,
        reason="the requests of one second are some of all requests",
        mode="D14",
        read=_pairs(
            _figure("max_concurrent_requests"), lambda row, _: float(row.issued) if row.issued is not None else None
        ),
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
            lambda row, _: input_tokens(row) if not row.failed else None,
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
)
