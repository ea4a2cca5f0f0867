"""The figures of a round, recomputed from its per-request records.

Definitions follow ``calculate_metrics`` of sglang's serving benchmark: failed requests count no tokens and no
latencies; percentiles interpolate linearly between order statistics, as numpy does by default. One difference: the
record keeps no end-to-end latency, so TPOT takes the sum of a request's ITLs for "latency − TTFT", which leaves out the
time between its last token and the end of its stream (microseconds to a few milliseconds).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tools.evidence.records import BenchRun, LatencySummary


@dataclass(frozen=True)
class RoundFigures:
    """One round from raw. Latencies in milliseconds; 0 where no request has the quantity, as in sglang's record."""

    issued: int
    completed: int
    failed: int
    total_input_tokens: int
    """Of completed requests."""
    total_output_tokens: int
    streamed_tokens: int
    """Tokens with a time stamp of their own: one per ITL and one per first token. With one token a chunk it equals
    ``total_output_tokens``; a server that streams several at once shows fewer, never more."""
    output_throughput: float
    """Tokens per second."""
    request_throughput: float
    """Completed requests per second."""
    median_ttft_ms: float
    p99_ttft_ms: float
    median_tpot_ms: float
    p99_tpot_ms: float
    median_itl_ms: float
    p99_itl_ms: float
    longest_request_s: float
    """TTFT plus ITLs of the slowest request: the round cannot have been shorter."""
    busy_s: float
    """The same, summed over requests: divided by the concurrency it is another lower bound of the duration."""


def percentile(values: Sequence[float], q: float) -> float:
    """Return the q-th percentile (0–100) as numpy's "linear" method does; 0.0 of nothing, as sglang records it."""
    if not 0.0 <= q <= 100.0:
        raise ValueError(f"a percentile lies between 0 and 100, not {q}")
    if not values:
        return 0.0
    ordered = sorted(values)
    position = q / 100.0 * (len(ordered) - 1)
    below = math.floor(position)
    above, part = min(below + 1, len(ordered) - 1), position - below
    low, high = ordered[below], ordered[above]
    return high - (high - low) * (1.0 - part) if part >= 0.5 else low + (high - low) * part


def recompute(run: BenchRun) -> RoundFigures:
    """Recompute the figures of a round. Raises ValueError when its records are ragged, negative or not finite."""
    _check(run)
    done = [i for i, error in enumerate(run.errors) if not error]
    outputs = [run.output_lens[i] for i in done]
    ttfts = [run.ttfts[i] for i in done]
    decodes = [math.fsum(run.itls[i]) for i in done]
    tpots = [decode / (length - 1) for decode, length in zip(decodes, outputs, strict=True) if length > 1]
    itls = [value for i in done for value in run.itls[i]]
    whole = [ttft + decode for ttft, decode in zip(ttfts, decodes, strict=True)]
    return RoundFigures(
        issued=len(run.errors),
        completed=len(done),
        failed=len(run.errors) - len(done),
        total_input_tokens=sum(run.input_lens[i] for i in done),
        total_output_tokens=sum(outputs),
        streamed_tokens=len(itls) + sum(ttft > 0 for ttft in ttfts),
        output_throughput=sum(outputs) / run.duration,
        request_throughput=len(done) / run.duration,
        median_ttft_ms=1000.0 * percentile(ttfts, 50),
        p99_ttft_ms=1000.0 * percentile(ttfts, 99),
        median_tpot_ms=1000.0 * percentile(tpots, 50),
        p99_tpot_ms=1000.0 * percentile(tpots, 99),
        median_itl_ms=1000.0 * percentile(itls, 50),
        p99_itl_ms=1000.0 * percentile(itls, 99),
        longest_request_s=max(whole, default=0.0),
        busy_s=math.fsum(whole),
    )


def summarize(launches: Sequence[Sequence[RoundFigures]]) -> LatencySummary:
    """Return a leg's medians over launches of medians over rounds. Raises ValueError on an empty leg or launch."""
    if not launches or not all(launches):
        raise ValueError("a leg needs launches, and each of them rounds")

    def level(name: str) -> float:
        return median(median(float(getattr(figures, name)) for figures in rounds) for rounds in launches)

    return LatencySummary(**{name: level(name) for name in LatencySummary.model_fields})


def _check(run: BenchRun) -> None:
    lengths = {len(run.input_lens), len(run.output_lens), len(run.ttfts), len(run.itls), len(run.errors)}
    if len(lengths) != 1:
        raise ValueError("the per-request lists of a round differ in length")
    if not (math.isfinite(run.duration) and run.duration > 0):
        raise ValueError(f"the duration of a round must be positive, not {run.duration}")
    times = [*run.ttfts, *(value for values in run.itls for value in values)]
    if not all(math.isfinite(value) and value >= 0 for value in times):
        raise ValueError("a latency is negative or not finite")
    if any(length < 0 for length in [*run.input_lens, *run.output_lens]):
        raise ValueError("a token count is negative")
