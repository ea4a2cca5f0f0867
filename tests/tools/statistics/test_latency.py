"""Figures of a round from its per-request records, against numpy and the definitions of sglang's benchmark."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.evidence.records import BenchRun, RoundStamp
from bankable.tools.statistics.latency import percentile, recompute, summarize

STAMP = RoundStamp(
    leg_id="b00-reference",
    index=0,
    seed=1,
    started=0.0,
    ended=10.0,
    request_digest="0" * 64,
    issued=1,
    cpu_s=1.0,
    flushed=True,
)


def bench_run(**records: Any) -> BenchRun:
    """A run whose summary fields are deliberately absurd: nothing may be read from them."""
    wrong = dict.fromkeys(
        (
            "output_throughput",
            "request_throughput",
            "median_ttft_ms",
            "median_tpot_ms",
            "median_itl_ms",
            "p99_ttft_ms",
            "p99_tpot_ms",
            "p99_itl_ms",
        ),
        -1.0,
    )
    fields = {"completed": 0, "total_input_tokens": 0, "total_output_tokens": 0, "server_info": {}, "bankable": STAMP}
    return BenchRun.model_validate({**fields, **wrong, **records})


SMALL = {
    "duration": 2.0,
    "input_lens": [10, 20, 30, 40],
    "output_lens": [3, 1, 5, 0],
    "ttfts": [0.1, 0.2, 0.3, 0.9],
    "itls": [[0.01, 0.03], [], [0.02, 0.02, 0.02, 0.06], [0.5]],
    "errors": ["", "", "", "Traceback"],
}


def test_a_round_by_hand() -> None:
    figures = recompute(bench_run(**SMALL))
    assert (figures.issued, figures.completed, figures.failed) == (4, 3, 1)
    assert (figures.total_input_tokens, figures.total_output_tokens) == (60, 9)
    assert figures.output_throughput == 4.5
    assert figures.request_throughput == 1.5
    assert figures.median_ttft_ms == pytest.approx(200.0)
    assert figures.p99_ttft_ms == pytest.approx(298.0)
    # The request with one token has no TPOT: (20 ms, 30 ms) remain.
    assert figures.median_tpot_ms == pytest.approx(25.0)
    assert figures.p99_tpot_ms == pytest.approx(29.9)
    assert figures.median_itl_ms == pytest.approx(20.0)
    assert figures.p99_itl_ms == pytest.approx(58.5)
    assert figures.streamed_tokens == 6 + 3
    assert figures.longest_request_s == pytest.approx(0.42)
    assert figures.busy_s == pytest.approx(0.14 + 0.2 + 0.42)


def test_failed_requests_lend_no_tokens_and_no_latency() -> None:
    tampered = {**SMALL, "output_lens": [3, 1, 5, 999], "ttfts": [0.1, 0.2, 0.3, 0.0001]}
    assert recompute(bench_run(**tampered)) == recompute(bench_run(**SMALL))


def test_a_round_without_success_has_zero_figures() -> None:
    figures = recompute(bench_run(**{**SMALL, "errors": ["x"] * 4}))
    assert (figures.completed, figures.output_throughput, figures.median_ttft_ms, figures.p99_itl_ms) == (0, 0, 0, 0)


@given(st.lists(st.floats(0.0, 1e4), min_size=1, max_size=60), st.floats(0.0, 100.0))
def test_percentiles_agree_with_numpy(values: list[float], q: float) -> None:
    assert percentile(values, q) == pytest.approx(float(np.percentile(values, q)), rel=1e-12, abs=1e-9)
    assert percentile(values, 50) == pytest.approx(float(np.median(values)), rel=1e-12)


def test_nothing_has_percentile_zero_as_in_the_record() -> None:
    assert percentile([], 99) == 0.0
    with pytest.raises(ValueError, match="between 0 and 100"):
        percentile([1.0], 101)


def test_a_large_round_agrees_with_the_definitions_of_the_benchmark() -> None:
    rng = random.Random(5)
    lens = [rng.randint(1, 60) for _ in range(200)]
    itls = [[rng.uniform(0.001, 0.05) for _ in range(n - 1)] for n in lens]
    ttfts = [rng.uniform(0.02, 2.0) for _ in lens]
    run = bench_run(duration=7.5, input_lens=[128] * 200, output_lens=lens, ttfts=ttfts, itls=itls, errors=[""] * 200)
    figures = recompute(run)
    latencies = [ttft + sum(gaps) for ttft, gaps in zip(ttfts, itls, strict=True)]
    tpots = [(e2e - t) / (n - 1) for e2e, t, n in zip(latencies, ttfts, lens, strict=True) if n > 1]
    flat = [gap for gaps in itls for gap in gaps]
    assert figures.output_throughput == sum(lens) / 7.5
    assert figures.streamed_tokens == figures.total_output_tokens
    assert figures.p99_ttft_ms == pytest.approx(1000 * np.percentile(ttfts, 99), rel=1e-12)
    assert figures.median_tpot_ms == pytest.approx(1000 * np.median(tpots), rel=1e-9)
    assert figures.p99_tpot_ms == pytest.approx(1000 * np.percentile(tpots, 99), rel=1e-9)
    assert figures.median_itl_ms == pytest.approx(1000 * np.median(flat), rel=1e-12)
    assert figures.p99_itl_ms == pytest.approx(1000 * np.percentile(flat, 99), rel=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ttfts": [0.1]}, "differ in length"),
        ({"duration": 0.0}, "duration"),
        ({"duration": math.nan}, "duration"),
        ({"ttfts": [0.1, 0.2, -0.3, 0.9]}, "latency"),
        ({"itls": [[math.inf], [], [], []]}, "latency"),
        ({"output_lens": [3, 1, -5, 0]}, "token count"),
    ],
)
def test_broken_records_are_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        recompute(bench_run(**{**SMALL, **change}))


def test_a_leg_is_the_median_of_launches_of_medians_of_rounds() -> None:
    rates = [[2.0, 4.0, 400.0], [1.0, 3.0, 0.5], [8.0, 8.0, 8.0]]
    legs = [[recompute(bench_run(**{**SMALL, "duration": 9 / rate})) for rate in rounds] for rounds in rates]
    summary = summarize(legs)
    assert summary.output_throughput == pytest.approx(4.0)
    assert summary.median_ttft_ms == pytest.approx(200.0)


@pytest.mark.parametrize("empty", [[], [[]]])
def test_an_empty_leg_has_no_summary(empty: list[Any]) -> None:
    with pytest.raises(ValueError, match="launches"):
        summarize(empty)
