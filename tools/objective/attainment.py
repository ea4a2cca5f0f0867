"""Counts the requests of a round that were served within the limits, from its per-request records.

    e2e = TTFT + Σ gaps        TPOT = Σ gaps / (tokens − 1), 0 for a single token

A request is good when it has no error, returned tokens, and is within every limit on requests; each limit on a round
(``p99_ttft``) has to hold as well, else no request of the round is good. A request that failed counts as sent, and as
slower than any limit. Definitions follow ``sglang.benchmark.goodput``; a record keeps no end of a stream, so that e2e
ends with the last token.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from bankable.tools.evidence.records import BenchRun, Limit, ServiceLevel


@dataclass(frozen=True)
class RoundAttainment:
    """One round, or several that are counted together."""

    good: int
    """Requests within all limits."""
    sent: int
    """Requests that were sent, failed ones too."""
    seconds: float
    """Duration of the timed rounds."""
    within: dict[str, tuple[int, int]]
    """By key of the limit: how many of how many kept it, requests or rounds."""

    @property
    def rate(self) -> float:
        """Good requests per second."""
        return self.good / self.seconds

    @property
    def share(self) -> float:
        """Good requests as a share of the requests that were sent."""
        return self.good / self.sent if self.sent else 0.0


@dataclass(frozen=True)
class _Served:
    """Latencies of one request that was answered, milliseconds."""

    ttft: float
    tpot: float
    e2e: float


def count_good(run: BenchRun, limits: Sequence[Limit]) -> RoundAttainment:
    """Attainment of one round. Raises ValueError when its per-request lists differ in length."""
    requests = [
        None if error or not tokens else _serve(ttft, gaps, tokens)
        for ttft, gaps, tokens, error in zip(run.ttfts, run.itls, run.output_lens, run.errors, strict=True)
    ]
    sent = max(run.bankable.issued, len(requests))
    within: dict[str, tuple[int, int]] = {}
    good = [request is not None for request in requests]
    whole = True
    for limit in limits:
        values = [None if request is None else getattr(request, limit.metric) for request in requests]
        if limit.statistic == "request":
            within_limit = [value is not None and value <= limit.ms for value in values]
            good = [one and other for one, other in zip(good, within_limit, strict=True)]
            within[limit.key] = (sum(within_limit), sent)
        else:
            holds = find_statistic([value for value in values if value is not None], sent, limit.statistic) <= limit.ms
            whole = whole and holds
            within[limit.key] = (int(holds), 1)
    return RoundAttainment(sum(good) if whole else 0, sent, run.duration, within)


def _serve(ttft: float, gaps: Sequence[float], tokens: int) -> _Served:
    decode = math.fsum(gaps)
    return _Served(1000.0 * ttft, 1000.0 * decode / (tokens - 1) if tokens > 1 else 0.0, 1000.0 * (ttft + decode))


def find_statistic(served: Sequence[float], sent: int, statistic: str) -> float:
    """Mean or percentile (``p99``) over all requests that were sent; the others are slower than anything."""
    lost = sent - len(served)
    if sent < 1 or (statistic == "mean" and lost):
        return math.inf
    if statistic == "mean":
        return fmean(served)
    position = float(statistic.removeprefix("p")) / 100.0 * (sent - 1)
    below, part = math.floor(position), position - math.floor(position)
    if below + (part > 0) >= len(served):
        return math.inf
    ordered = sorted(served)
    return ordered[below] + (part * (ordered[below + 1] - ordered[below]) if part > 0 else 0.0)


def count_launch(runs: Sequence[BenchRun], limits: Sequence[Limit]) -> RoundAttainment:
    """Attainment of a launch: its timed rounds together. Raises ValueError without one."""
    if not runs:
        raise ValueError("a launch without a timed round has no goodput")
    rounds = [count_good(run, limits) for run in runs]
    return _together(rounds)


def _together(parts: Sequence[RoundAttainment]) -> RoundAttainment:
    keys = parts[0].within
    return RoundAttainment(
        sum(part.good for part in parts),
        sum(part.sent for part in parts),
        math.fsum(part.seconds for part in parts),
        {key: (sum(part.within[key][0] for part in parts), sum(part.within[key][1] for part in parts)) for key in keys},
    )


def summarise_service(launches: Sequence[RoundAttainment]) -> ServiceLevel:
    """Figures of one side: the mean rate over launches, and shares over all requests."""
    whole = _together(launches)
    return ServiceLevel(
        goodput=fmean(launch.rate for launch in launches),
        attainment=whole.share,
        by_limit={key: kept / of if of else 0.0 for key, (kept, of) in whole.within.items()},
    )
