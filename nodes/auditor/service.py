"""Derives goodput and attainment from per-request records, independently of what measured them.

    e2e = TTFT + Σ gaps        TPOT = Σ gaps / (tokens − 1), 0 for a single token
    goodput of a launch = requests within every limit, of all its timed rounds, over the time of these rounds

A round that misses a limit on rounds (``p99_ttft``) has no good request. Requests that failed, or that were sent and
have no record, count as sent and as slower than any limit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from bankable.nodes.auditor.reading.request_times import RequestTimes
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import LegView
from bankable.tools.evidence.records import GOODPUT, Limit
from bankable.tools.statistics.latency import percentiles

LOST_MS = 1e300
"""Latency that stands for a request without an answer."""


@dataclass
class KeptLimits:
    """Counts over some rounds."""

    good: int = 0
    sent: int = 0
    seconds: float = 0.0
    kept: Counter[str] = field(default_factory=Counter)
    """How often a limit was kept, by its key: requests, or rounds for a limit on rounds."""
    of: Counter[str] = field(default_factory=Counter)
    """How often it could have been kept."""

    @property
    def rate(self) -> float:
        """Goodput, requests per second."""
        return self.good / self.seconds if self.seconds > 0 else 0.0

    @property
    def attainment(self) -> float:
        """Good requests as a share of those that were sent."""
        return self.good / self.sent if self.sent else 0.0

    def share(self, key: str) -> float:
        """How often one limit was kept, as a share."""
        return self.kept[key] / self.of[key] if self.of[key] else 0.0

    def add(self, row: BenchRound, limits: Sequence[Limit], planned: int | None) -> bool:
        """Count one round; false where its requests are not listed. ``planned``: requests that were to be sent."""
        if row.times is None or not row.duration:
            return False
        sent = max(row.issued or 0, len(row.times.tokens), planned or 0)
        times, counts = row.times, [_count_kept(row.times, sent, limit) for limit in limits]
        if all(kept for limit, (kept, _) in zip(limits, counts, strict=True) if limit.statistic != "request"):
            self.good += sum(is_good(times, index, limits) for index in range(len(times.tokens)))
        self.sent += sent
        self.seconds += row.duration
        for limit, (kept, of) in zip(limits, counts, strict=True):
            self.kept[limit.key] += kept
            self.of[limit.key] += of
        return True


def is_good(times: RequestTimes, index: int, limits: Sequence[Limit]) -> bool:
    """Whether one answered request is within every limit on requests."""
    return all(find_latency(times, index, limit.metric) <= limit.ms for limit in limits if limit.statistic == "request")


def find_latency(times: RequestTimes, index: int, metric: str) -> float:
    """A latency of one request, milliseconds."""
    ttft, decode, tokens = times.ttfts[index], times.decodes[index], times.tokens[index]
    if metric == "ttft":
        return 1000.0 * ttft
    if metric == "tpot":
        return 1000.0 * decode / (tokens - 1) if tokens > 1 else 0.0
    return 1000.0 * (ttft + decode)


def _count_kept(times: RequestTimes, sent: int, limit: Limit) -> tuple[int, int]:
    """How many of how many kept a limit: requests, or the round as one."""
    latencies = [find_latency(times, index, limit.metric) for index in range(len(times.tokens))]
    if limit.statistic == "request":
        return sum(latency <= limit.ms for latency in latencies), sent
    latencies += [LOST_MS] * (sent - len(latencies))
    if not latencies:
        return 0, 1
    if limit.statistic == "mean":
        value = math.fsum(latencies) / len(latencies)
    else:
        value = percentiles(latencies, (float(limit.statistic.removeprefix("p")),))[0]
    return int(value <= limit.ms), 1


def count_launch(leg: LegView, limits: Sequence[Limit], planned: int | None = None) -> KeptLimits | None:
    """The timed rounds of a launch together; ``None`` where a round lists no requests."""
    counts = KeptLimits()
    for row in leg.rows:
        if not counts.add(row, limits, planned):
            return None
    return counts if leg.rows else None


def add_goodput(rows: Sequence[BenchRound], limits: Sequence[Limit]) -> tuple[BenchRound, ...]:
    """Rounds with their goodput among the recomputed figures, where their requests are listed."""
    return tuple(_add_goodput(row, limits) for row in rows)


def _add_goodput(row: BenchRound, limits: Sequence[Limit]) -> BenchRound:
    counts = KeptLimits()
    return replace(row, raw={**row.raw, GOODPUT: counts.rate}) if counts.add(row, limits, None) else row


@dataclass(frozen=True)
class SideService:
    """One side of a comparison."""

    launches: tuple[KeptLimits, ...]

    @property
    def goodput(self) -> float:
        """Mean rate over the launches, requests per second."""
        return fmean(launch.rate for launch in self.launches)

    @property
    def attainment(self) -> float:
        """Good requests of all launches as a share of those that were sent."""
        sent = sum(launch.sent for launch in self.launches)
        return sum(launch.good for launch in self.launches) / sent if sent else 0.0

    def share(self, key: str) -> float:
        """How often one limit was kept over all launches, as a share."""
        of = sum(launch.of[key] for launch in self.launches)
        return sum(launch.kept[key] for launch in self.launches) / of if of else 0.0


def count_side(legs: Iterable[LegView], limits: Sequence[Limit], planned: int | None = None) -> SideService | None:
    """One side's launches; ``None`` without any, or where one lists no requests."""
    launches = [count_launch(leg, limits, planned) for leg in legs]
    counted = tuple(launch for launch in launches if launch is not None)
    return SideService(counted) if counted and len(counted) == len(launches) else None
