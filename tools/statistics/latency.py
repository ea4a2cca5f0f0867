"""Recomputes the figures of a round from its per-request records.

Definitions follow ``calculate_metrics`` of sglang's serving benchmark: failed requests count no tokens and no
latencies; percentiles interpolate linearly between order statistics, as numpy does by default. One difference: the
record keeps no end-to-end latency, so TPOT takes the sum of a request's ITLs for "latency − TTFT", which leaves out the
time between its last token and the end of its stream (microseconds to a few milliseconds).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bankable.tools.evidence.records import BenchRun, LatencySummary
from bankable.tools.statistics.order import DOUBLE, Doubles, order_statistics, pack


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
    median_e2e_ms: float
    """Of TTFT plus ITLs of a request."""
    p99_e2e_ms: float
    longest_request_s: float
    """TTFT plus ITLs of the slowest request: the round cannot have been shorter."""
    busy_s: float
    """The same, summed over requests: divided by the concurrency it is another lower bound of the duration."""


def percentile(values: Sequence[float], q: float) -> float:
    """Return the q-th percentile (0–100) as numpy's "linear" method does; 0.0 of nothing, as sglang records it."""
    if not 0.0 <= q <= 100.0:
        raise ValueError(f"a percentile lies between 0 and 100, not {q}")
    return percentiles(values, (q,))[0]


def percentiles(values: Sequence[float], qs: Sequence[float]) -> list[float]:
    """Several percentiles of one list, for little more than the price of one."""
    return packed_percentiles(pack(values), qs)


def packed_percentiles(doubles: Doubles, qs: Sequence[float], *, reorder: bool = False) -> list[float]:
    """The same of packed doubles. ``reorder``: they may be put in another order, which saves a copy of them."""
    last = len(doubles) // DOUBLE - 1
    if last < 0:
        return [0.0] * len(qs)
    positions = [q / 100.0 * last for q in qs]
    places = order_statistics(
        doubles, (min(math.floor(position) + up, last) for position in positions for up in (0, 1)), reorder=reorder
    )
    return [_between(places, position, last) for position in positions]


def _between(places: Mapping[int, float], position: float, last: int) -> float:
    below = math.floor(position)
    low, high, part = places[below], places[min(below + 1, last)], position - below
    return high - (high - low) * (1.0 - part) if part >= 0.5 else low + (high - low) * part


def recompute(run: BenchRun) -> RoundFigures:
    """Recompute the figures of a round. Raises ValueError when its records are ragged, negative or not finite."""
    _check(run)
    decodes = [math.fsum(values) for values in run.itls]
    gaps = b"".join(pack(values) for values, error in zip(run.itls, run.errors, strict=True) if not error)
    return figures(run.duration, run.input_lens, run.output_lens, run.ttfts, decodes, gaps, run.errors)


def figures(
    duration: float,
    input_lens: Sequence[int],
    output_lens: Sequence[int],
    ttfts: Sequence[float],
    decodes: Sequence[float],
    gaps: Doubles,
    errors: Sequence[str],
    *,
    reorder: bool = False,
) -> RoundFigures:
    """The same from lists that were checked already: equally long, finite, nothing negative, a positive duration.

    ``decodes`` holds the exact sum of each request's ITLs, ``gaps`` the packed ITLs of all completed requests, which
    ``reorder`` allows to be put in another order.
    """
    done = [i for i, error in enumerate(errors) if not error]
    outputs = [output_lens[i] for i in done]
    firsts = [ttfts[i] for i in done]
    decodes = [decodes[i] for i in done]
    tpots = [decode / (length - 1) for decode, length in zip(decodes, outputs, strict=True) if length > 1]
    whole = [ttft + decode for ttft, decode in zip(firsts, decodes, strict=True)]
    (ttft_50, ttft_99), (tpot_50, tpot_99) = percentiles(firsts, (50, 99)), percentiles(tpots, (50, 99))
    itl_50, itl_99 = packed_percentiles(gaps, (50, 99), reorder=reorder)
    e2e_50, e2e_99 = percentiles(whole, (50, 99))
    return RoundFigures(
        issued=len(errors),
        completed=len(done),
        failed=len(errors) - len(done),
        total_input_tokens=sum(input_lens[i] for i in done),
        total_output_tokens=sum(outputs),
        streamed_tokens=len(gaps) // DOUBLE + sum(ttft > 0 for ttft in firsts),
        output_throughput=sum(outputs) / duration,
        request_throughput=len(done) / duration,
        median_ttft_ms=1000.0 * ttft_50,
        p99_ttft_ms=1000.0 * ttft_99,
        median_tpot_ms=1000.0 * tpot_50,
        p99_tpot_ms=1000.0 * tpot_99,
        median_itl_ms=1000.0 * itl_50,
        p99_itl_ms=1000.0 * itl_99,
        median_e2e_ms=1000.0 * e2e_50,
        p99_e2e_ms=1000.0 * e2e_99,
        longest_request_s=max(whole, default=0.0),
        busy_s=math.fsum(whole),
    )


def summarize(launches: Sequence[Sequence[RoundFigures]]) -> LatencySummary:
    """Return a leg's medians over launches of medians over rounds. Raises ValueError on an empty leg or launch."""
    if not launches or not all(launches):
        raise ValueError("a leg needs launches, and each of them rounds")

    def level(name: str) -> float:
        return median(median(float(getattr(round, name)) for round in rounds) for rounds in launches)

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
