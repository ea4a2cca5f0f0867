"""Joules per output token over timed rounds, from a meter that was read meanwhile. Without a meter there is no figure.

processor packages (RAPL): the counter between start and end of each round, interpolated between samples
GPUs (NVML, read by nvidia-smi): power samples integrated over each round by the trapezoidal rule
joules per output token = Σ joules of the rounds / Σ output tokens of the rounds

Both count everything that runs on the device, an idle co-resident server included. A round with samples more than
``WIDEST_GAP_S`` apart at its ends was not metered, and then its launch has no figure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDEST_GAP_S = 5.0
"""Longest time between two samples over which a meter is interpolated."""
FEWEST_SAMPLES = 2
RAPL, NVML = "RAPL, processor packages", "NVML, power of all GPUs"


@dataclass(frozen=True)
class MeterSample:
    """The meters of a machine at one moment."""

    t: float
    """Unix seconds."""
    package_joules: float | None
    """Counter of the processor packages; ``None`` where it cannot be read."""
    gpu_watts: float | None
    """Power of all GPUs together; ``None`` where one of them does not report it."""


@dataclass(frozen=True)
class MeteredRound:
    """One timed round."""

    started: float
    """Unix seconds."""
    ended: float
    """Unix seconds."""
    output_tokens: int
    """Tokens that the round returned."""


@dataclass(frozen=True)
class TokenEnergy:
    """Energy of some rounds."""

    joules_per_token: float
    """Per output token."""
    watts: float
    """Mean power over the rounds."""
    meter: str
    """Which meter, and of what."""


def find_energy(samples: Sequence[MeterSample], rounds: Sequence[MeteredRound]) -> tuple[TokenEnergy, ...]:
    """Energy of the rounds by each meter that covers all of them; empty where none does."""
    ordered = sorted(samples, key=lambda sample: sample.t)
    tokens = sum(each.output_tokens for each in rounds)
    seconds = sum(each.ended - each.started for each in rounds)
    if tokens <= 0 or seconds <= 0 or len(ordered) < FEWEST_SAMPLES:
        return ()
    counters = [(sample.t, sample.package_joules) for sample in ordered if sample.package_joules is not None]
    watts = [(sample.t, sample.gpu_watts) for sample in ordered if sample.gpu_watts is not None]
    energies = []
    for meter, series in ((RAPL, counters), (NVML, _integrate(watts))):
        parts = [_between(series, each) for each in rounds]
        joules = [part for part in parts if part is not None]
        if joules and len(joules) == len(parts) and sum(joules) > 0:
            energies.append(TokenEnergy(sum(joules) / tokens, sum(joules) / seconds, meter))
    return tuple(energies)


def _integrate(watts: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Joules since the first sample, at each sample."""
    total, series = 0.0, []
    for index, (t, power) in enumerate(watts):
        if index:
            before, earlier = watts[index - 1]
            total += 0.5 * (power + earlier) * (t - before)
        series.append((t, total))
    return series


def _between(series: Sequence[tuple[float, float]], each: MeteredRound) -> float | None:
    """Joules over a round; ``None`` where the series does not cover it or has a gap in it."""
    times = [t for t, _ in series]
    first, last = bisect_left(times, each.started), bisect_left(times, each.ended)
    if not 0 < first <= last < len(times):
        return None
    inside = times[first - 1 : last + 1]
    if any(later - earlier > WIDEST_GAP_S for earlier, later in pairwise(inside)):
        return None
    return _at(series, last, each.ended) - _at(series, first, each.started)


def _at(series: Sequence[tuple[float, float]], index: int, t: float) -> float:
    """The series at a time between the samples ``index − 1`` and ``index``."""
    (before, low), (after, high) = series[index - 1], series[index]
    return low + (high - low) * ((t - before) / (after - before) if after > before else 1.0)
