"""Requests that a tool records one by one beside its summary: the summary is recomputed from them."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from bankable.nodes.auditor.findings.reported import RATE, RETOKENIZED
from bankable.nodes.auditor.importers.definitions import is_quantile
from bankable.nodes.auditor.reading.request_times import RequestTimes
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import AbsentRecord
from bankable.tools.statistics.latency import percentile


@dataclass
class RequestSeries:
    """One entry per finished request, in the order of the record. Times in seconds."""

    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    ttfts: list[float] = field(default_factory=list)
    """Time to the first token."""
    decodes: list[float] = field(default_factory=list)
    """Time from the first token to the last."""
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    """Output tokens, as the server counted."""
    pieces: list[int] = field(default_factory=list)
    """Pieces of the stream; empty where the record does not have them."""
    failed: int = 0
    edges: list[float] = field(default_factory=list)
    """Starts and ends of failed requests, which are part of the round's time."""

    def add(self, span: tuple[float, float], ttft: float, decode: float, tokens: tuple[int, int]) -> None:
        """Add a finished request. ``tokens``: of the prompt, and of the answer."""
        self.starts.append(span[0])
        self.ends.append(span[1])
        self.ttfts.append(ttft)
        self.decodes.append(decode)
        self.inputs.append(tokens[0])
        self.outputs.append(tokens[1])

    @property
    def duration(self) -> float:
        """Seconds from the first start to the last end."""
        times = [*self.starts, *self.ends, *self.edges]
        return max(times) - min(times) if times else 0.0

    def is_of(self, row: BenchRound) -> bool:
        """Whether these are the requests that the summary counts."""
        return (
            bool(self.starts) and self.duration > 0 and (row.completed, row.failed) == (len(self.starts), self.failed)
        )

    def recompute(self, row: BenchRound) -> BenchRound:
        """The round of a summary with its figures from these requests.

        A quantile that some usual definition gives is not held against the summary, nor a rate by the load generator's
        own count of nearly as many tokens.
        """
        raw = dict(self._compute_figures())
        reported = {name: value for name, value in row.reported.items() if not self._is_quantile(name, value)}
        if self._is_by_own_count(row.retokenized, reported.get("output_throughput")):
            del reported["output_throughput"]
        return replace(
            row,
            reported=reported,
            raw=raw,
            input_tokens=sum(self.inputs),
            output_tokens=sum(self.outputs),
            longest=max(sum(pair) for pair in zip(self.inputs, self.outputs, strict=True)),
            pieces=sum(self.pieces) if self.pieces else None,
            times=RequestTimes(array("d", self.ttfts), array("d", self.decodes), array("q", self.outputs)),
            duration=self.duration,
        )

    def _compute_figures(self) -> Iterator[tuple[str, float]]:
        yield "output_throughput", sum(self.outputs) / self.duration
        yield "request_throughput", len(self.starts) / self.duration
        yield "median_ttft_ms", 1000.0 * percentile(self.ttfts, 50)
        yield "p99_ttft_ms", 1000.0 * percentile(self.ttfts, 99)
        if tpots := [value for value, _ in self._tpots()]:
            yield "median_tpot_ms", percentile(tpots, 50)

    def _tpots(self) -> list[tuple[float, int]]:
        """Time per output token after the first, ms, and output tokens."""
        requests = zip(self.decodes, self.outputs, strict=True)
        return [(1000.0 * decode / (tokens - 1), tokens) for decode, tokens in requests if tokens > 1]

    def _is_by_own_count(self, own: int | None, rate: float | None) -> bool:
        if not own or rate is None or not math.isclose(own, sum(self.outputs), rel_tol=RETOKENIZED):
            return False
        return math.isclose(rate, own / self.duration, rel_tol=RATE)

    def _is_quantile(self, name: str, stated: float) -> bool:
        spots = {"median": 50.0, "p99": 99.0}
        spot, _, metric = name.removesuffix("_ms").partition("_")
        ttfts = [(1000.0 * ttft, tokens) for ttft, tokens in zip(self.ttfts, self.outputs, strict=True)]
        pairs = {"ttft": ttfts, "tpot": self._tpots()}.get(metric, [])
        return spot in spots and bool(pairs) and is_quantile(pairs, spots[spot], stated)


def name_absent_requests(series: RequestSeries | None, fix: str) -> AbsentRecord:
    """What is missing where the requests of a summary are not there, or are not those that it counts."""
    what = "per-request records" if series is None else "per-request records of the requests that it counts"
    return AbsentRecord(what, fix, "reported_vs_raw")
