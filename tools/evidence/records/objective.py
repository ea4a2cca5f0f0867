"""What a run is to improve: latency limits, guards on other figures, and how well a side kept the limits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bankable.tools.evidence.records.base import Record

GOODPUT = "goodput"
"""Deciding figure: requests within all limits, per second."""
REQUEST_SPEED = "request_speed"
"""Deciding figure of the objective ``latency``: 1 / median end-to-end latency, per second, so that larger is better."""

LimitedLatency = Literal["ttft", "tpot", "e2e"]
GuardedFigure = Literal[
    "output_throughput",
    "request_throughput",
    "goodput",
    "median_ttft_ms",
    "p99_ttft_ms",
    "median_tpot_ms",
    "p99_tpot_ms",
    "median_itl_ms",
    "p99_itl_ms",
    "median_e2e_ms",
    "p99_e2e_ms",
]


class Limit(Record):
    """One latency limit. Declared in the plan, before the first launch."""

    metric: LimitedLatency
    """Time to the first token, mean time per output token after the first, or time to the last token."""
    statistic: str = Field(default="request", pattern=r"^(request|mean|p\d{1,2}(\.\d{1,3})?)$")
    """``request``: every request is held to the limit by itself. ``mean`` or ``p99``: a whole round is, by this
    statistic over all requests that were sent."""
    ms: float = Field(gt=0, le=1e9)
    """Largest allowed latency, milliseconds."""

    @property
    def key(self) -> str:
        """``ttft`` for a limit on each request, ``p99_ttft`` for one on a round."""
        return self.metric if self.statistic == "request" else f"{self.statistic}_{self.metric}"

    def text(self) -> str:
        """``TTFT 500 ms`` or ``p99 TTFT 500 ms``."""
        name = {"ttft": "TTFT", "tpot": "TPOT", "e2e": "e2e"}[self.metric]
        statistic = "" if self.statistic == "request" else f"{self.statistic} "
        return f"{statistic}{name} {self.ms:g} ms"


def describe_limits(limits: tuple[Limit, ...]) -> str:
    """``within TTFT 500 ms, TPOT 20 ms``; empty without limits."""
    return f"within {', '.join(limit.text() for limit in limits)}" if limits else ""


class Guard(Record):
    """A figure that must not get worse by more than a margin. Declared in the plan, before the first launch."""

    metric: GuardedFigure
    """Name of the figure."""
    margin: float = Field(gt=0, lt=10)
    """Largest allowed harm as a fraction of the reference: a rise of a latency, a fall of a rate."""

    @property
    def larger_is_better(self) -> bool:
        """Whether the figure is a rate."""
        return not self.metric.endswith("_ms")


class ServiceLevel(Record):
    """How well one side of a comparison kept the limits, over all requests that were sent."""

    goodput: float
    """Good requests per second: mean over launches of good requests over the time of the timed rounds."""
    attainment: float
    """Good requests as a share of the requests that were sent, 0–1."""
    by_limit: dict[str, float]
    """By key of the limit: share of the sent requests within it; of a limit on a round, share of the rounds."""


class ServiceClaim(Record):
    """The producer's figures about the limits of the plan."""

    limits: tuple[Limit, ...]
    """The limits that the figures are about."""
    reference: ServiceLevel
    """Figures of the reference."""
    candidate: ServiceLevel
    """Figures of the candidate."""
    difference: float
    """Goodput of the candidate minus that of the reference, requests per second: mean over the blocks."""
    difference_interval: tuple[float, float] | None
    """One-sided bounds of ``difference`` at the level of the deciding look; ``None`` for a single block."""


class GuardClaim(Record):
    """The producer's figures about one guard."""

    metric: GuardedFigure
    """Name of the figure."""
    margin: float
    """Largest allowed harm, as a fraction."""
    harm: float | None
    """Mean harm as a fraction of the reference, positive is worse; ``None`` where the reference has none to lose."""
    interval: tuple[float, float] | None
    """One-sided bounds of ``harm`` at the level of the deciding look; ``None`` where there are none."""
    outcome: Literal["held", "broken", "undecided"]
    """``held``: the upper bound is below the margin. ``broken``: the lower bound is above it."""
