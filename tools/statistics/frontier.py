"""The frontier of throughput against interactivity over configurations and loads: dominance only where it is proven.

y = median over the rounds at one load of log(figure)            one number per launch, load and figure
d = y(P) − y(Q)                                                   one number per block in which both points were served

P dominates Q: within the floor on both figures, and better on one of them. The hypothesis is the union of "worse by
the floor on one" and "better on neither", so that the largest p counts (Berger 1982); better on one of two takes twice
the smaller p:

p = looks · max(p(d_T > −δ₀), p(d_I > −δ₀), 2 · min(p(d_T > 0), p(d_I > 0)))       one-sided Student's t, n − 1

over the first n common blocks, n the largest declared look that was reached. The factor ``looks`` allows any look to be
the last. Holm's step-down over all ordered pairs of planned points keeps 5 % for the whole frontier, whatever depends
on what. As for a single gain the sign-flip p of the better figure has to be at most 0.05.

A point that nothing dominates is on the frontier: proven to be worse than nothing, not proven to be best.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, stdev

from bankable.tools.statistics.holm import holm
from bankable.tools.statistics.paired import SIGN_FLIP_LEVEL, can_win
from bankable.tools.statistics.signflip import sign_flip_p
from bankable.tools.statistics.student import normal_cdf, t_quantile, t_sf

LEVEL = 0.05
"""Chance of any false dominance in one frontier."""
COVERAGE = 0.975
"""One-sided: intervals of points hold 95 %."""
PRIOR_SD, PRIOR_WEIGHT = 0.04, 2.0
"""Standard deviation of a difference (log ratio) that is assumed before it was seen, and its weight in observations."""


@dataclass(frozen=True)
class PointLevels:
    """One operating point: its levels by block, as logarithms."""

    key: str
    """``configuration@load``."""
    throughput: Mapping[int, float]
    """log of the output tokens per second and device."""
    interactivity: Mapping[int, float]
    """log of the output tokens per second of one user."""


@dataclass(frozen=True)
class Estimate:
    """A figure of one point."""

    mean: float
    """Geometric mean over the launches."""
    interval: tuple[float, float] | None
    """Two-sided 95 % bounds; ``None`` for one launch."""


@dataclass(frozen=True)
class PairDifference:
    """Differences of two points in both figures, over their common blocks."""

    throughput: tuple[float, ...]
    interactivity: tuple[float, ...]

    @property
    def n(self) -> int:
        """Common blocks."""
        return len(self.throughput)

    def first(self, n: int) -> PairDifference:
        """The first ``n`` blocks."""
        return PairDifference(self.throughput[:n], self.interactivity[:n])


def estimate(levels: Mapping[int, float]) -> Estimate:
    """Mean over launches and its bounds. Raises ValueError without a launch."""
    values = list(levels.values())
    mean = fmean(values)
    if len(values) < 2:
        return Estimate(math.exp(mean), None)
    half = t_quantile(COVERAGE, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Estimate(math.exp(mean), (math.exp(mean - half), math.exp(mean + half)))


def find_difference(one: PointLevels, other: PointLevels) -> PairDifference:
    """``one`` minus ``other``, block by block in their order."""
    common = sorted(one.throughput.keys() & other.throughput.keys())
    return PairDifference(
        tuple(one.throughput[block] - other.throughput[block] for block in common),
        tuple(one.interactivity[block] - other.interactivity[block] for block in common),
    )


def dominance_p(difference: PairDifference, looks: Sequence[int], floor: float) -> float:
    """The level at which "the first point dominates the second" would stand alone; 1 before the first look."""
    reached = max((look for look in looks if look <= difference.n), default=0)
    if reached < 2 or not can_win(reached, looks):
        return 1.0
    at_look, margin = difference.first(reached), math.log1p(floor)
    figures = (at_look.throughput, at_look.interactivity)
    means = [fmean(values) for values in figures]
    if max(means) <= 0.0 or (min(means) <= -margin and len(looks) > 1):
        return 1.0  # the largest p is one half at least, and it is doubled
    better = [_p_above(values, 0.0) for values in figures]
    best = min(range(len(figures)), key=lambda index: better[index])
    if sign_flip_p(figures[best]) > SIGN_FLIP_LEVEL:
        return 1.0
    worst = max(*(_p_above(values, -margin) for values in figures), 2.0 * better[best])
    return min(1.0, len(looks) * worst)


def _p_above(values: Sequence[float], threshold: float) -> float:
    """One-sided p of "the mean is at most the threshold"."""
    excess, sd, n = fmean(values) - threshold, stdev(values), len(values)
    if sd == 0.0:
        return 0.0 if excess > 0 else 1.0
    return t_sf(excess * math.sqrt(n) / sd, n - 1)


def find_dominators(
    points: Sequence[PointLevels], family: int, looks: Sequence[int], floor: float, level: float = LEVEL
) -> dict[str, tuple[str, ...]]:
    """By key of each point: the points that are proven to dominate it, in the order given.

    ``family``: ordered pairs of planned points; those that were not measured count as not shown. Raises ValueError for
    a family smaller than the pairs given.
    """
    pairs = [(one, other) for one in points for other in points if one.key != other.key]
    if family < len(pairs):
        raise ValueError(f"{len(pairs)} pairs of points, and a family of {family}")
    p_values = [dominance_p(find_difference(one, other), looks, floor) for one, other in pairs]
    rejected = holm([*p_values, *[1.0] * (family - len(pairs))], level).rejected
    dominators: dict[str, list[str]] = {point.key: [] for point in points}
    for (one, other), proven in zip(pairs, rejected, strict=False):
        if proven:
            dominators[other.key].append(one.key)
    return {key: tuple(names) for key, names in dominators.items()}


def chance_of_proof(
    difference: PairDifference, blocks: int, family: int, looks: Sequence[int], floor: float, level: float = LEVEL
) -> float:
    """Chance that the first point is proven to dominate the second after ``blocks`` common blocks in all.

    Differences so far are taken as they are, their spread is shrunk to a prior; without any block it is one half.
    """
    reached = max((look for look in looks if look <= blocks), default=0)
    if reached < 2 or not can_win(reached, looks):
        return 0.0
    if difference.n == 0:
        return 0.5
    bound = _bound(level / (2.0 * family * len(looks)), reached - 1)
    margin = math.log1p(floor)
    means = [fmean(values) for values in (difference.throughput, difference.interactivity)]
    errors = [_shrunk_sd(values) for values in (difference.throughput, difference.interactivity)]
    now = [sd / math.sqrt(difference.n) for sd in errors]
    ahead = [sd / math.sqrt(reached) for sd in errors]
    # What the mean will be is known as well as it is now: its error is that of the blocks so far.
    better = max(
        normal_cdf((mean - bound * later) / before) for mean, later, before in zip(means, ahead, now, strict=True)
    )
    harmless = [
        normal_cdf((mean + margin - bound * later) / before)
        for mean, later, before in zip(means, ahead, now, strict=True)
    ]
    return min(better, *harmless)


@lru_cache(maxsize=64)
def _bound(tail: float, freedom: int) -> float:
    return t_quantile(1.0 - tail, freedom)


def _shrunk_sd(values: Sequence[float]) -> float:
    spread = math.fsum((value - fmean(values)) ** 2 for value in values)
    weight = PRIOR_WEIGHT + len(values) - 1
    return math.sqrt((PRIOR_WEIGHT * PRIOR_SD**2 + spread) / weight)
