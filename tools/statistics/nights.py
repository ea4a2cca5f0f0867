"""Whether tonight's launches are better, no worse within a margin, or worse than a baseline of earlier nights.

A night is a block: its launches share what the machine, its neighbours and the day brought. So the unit is the night.

Y = mean of a night's launch levels; a launch level is the median over its rounds of log(figure)
h = harm: mean Y of the candidate's nights less that of the baseline's, its sign turned where larger is better
s² = variance of Y within the sides, pooled, ν = n_baseline + n_candidate − 2 degrees of freedom; s includes the night
w² = variance of launch levels within nights, pooled; e = w² · max(0, mean(1/m_candidate) − mean(1/m_baseline))
u² = drift: how much further past nights lay from the mean of the nights before them than independent nights would
L, U = h ∓ t(1−α, ν) · √((s² + e) / n_candidate + s² / n_baseline + u²)

better: −U > log(1 + floor). no_worse: U < log(1 + margin). worse: L > log(1 + margin). inconclusive: anything else.
For one candidate night L and U are prediction bounds: what one further night of the same engine may give. More launches
on one night do not average the night out, so e is never negative. With few nights the bounds are at least as wide as
with the prior of ``few``. One night of a baseline shows no spread between nights and decides nothing. Several figures
are judged as in ``no_worse``: each no worse at level α, each worse at α over their number.

``python -m evals bench gate`` simulates false alarms and power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean
from typing import Literal

from bankable.tools.statistics.few import FLOOR, MIN_FREEDOM, PRIOR_LAUNCH_SD
from bankable.tools.statistics.no_worse import ALPHA
from bankable.tools.statistics.student import t_quantile

MIN_NIGHTS = 2
"""Nights of a baseline below which nothing shows how nights differ."""
MOST_NIGHTS = 60
"""Candidate nights past which "how many more" is not worth an answer."""
DRIFT_FROM = 6
"""Nights of a baseline from which past misses are counted as drift."""
LARGEST_LOG = 700.0

NightOutcome = Literal["better", "no_worse", "worse", "inconclusive"]
Nights = Sequence[Sequence[float]]
"""Launch levels (log figure) of each night, oldest night first."""


@dataclass(frozen=True)
class NightSpread:
    """Variances of log levels that the bounds rest on."""

    night_means: float
    """s²: of the means of nights, within the sides."""
    launches: float
    """w²: of launches within nights; 0 where no night has two."""
    drift: float
    """u²: what past nights missed beyond s²; 0 with few nights."""
    freedom: int
    """Degrees of freedom of s²."""
    launches_a_night: float
    """Harmonic mean over the baseline's nights."""

    @property
    def night_sd(self) -> float:
        """Standard deviation of the night itself, without what launches add; as a log ratio."""
        return math.sqrt(max(0.0, self.night_means - self.launches / self.launches_a_night))


@dataclass(frozen=True)
class MoreLaunches:
    """What would decide, if means and spread stayed as they are."""

    nights: int
    """Further nights."""
    a_night: int
    """Launches on each."""
    of: Literal["candidate", "baseline"]
    """Whose nights."""

    @property
    def launches(self) -> int:
        """Further launches in all."""
        return self.nights * self.a_night


@dataclass(frozen=True)
class NightsDecision:
    """What nights say about one figure. Harm is a fraction of the baseline; positive is worse."""

    outcome: NightOutcome
    harm: float
    lower: float
    """No bound where the baseline has one night: −∞, or −1 of a latency."""
    upper: float
    margin: float
    nights: tuple[int, int]
    """Of baseline and candidate."""
    launches: tuple[int, int]
    """Of baseline and candidate."""
    spread: NightSpread
    more: MoreLaunches | None
    """What would decide where it is inconclusive; ``None`` where it is decided, or no feasible number would."""


def decide_nights(
    baseline: Nights,
    candidate: Nights,
    margin: float,
    *,
    larger_is_better: bool,
    figures: int = 1,
    floor: float = FLOOR,
) -> NightsDecision:
    """Judge one of ``figures`` figures against its margin (fraction). Raises ValueError on an empty side or night."""
    if not baseline or not candidate or not all(baseline) or not all(candidate):
        raise ValueError("both sides need at least one night, and each night a launch")
    sign = -1.0 if larger_is_better else 1.0
    means = [[fmean(night) for night in side] for side in (baseline, candidate)]
    harm = sign * (fmean(means[1]) - fmean(means[0]))
    bound = -math.log1p(-margin) if larger_is_better else math.log1p(margin)
    spread = find_spread(baseline, candidate)
    nights, tonight = (len(baseline), len(candidate)), _inverse(candidate)
    half = half_width(spread, nights, tonight)
    surely = half_width(spread, nights, tonight, ALPHA / figures)
    outcome: NightOutcome = "inconclusive"
    if -(harm + half) > math.log1p(floor):
        outcome = "better"
    elif harm + half < bound:
        outcome = "no_worse"
    elif harm - surely > bound:
        outcome = "worse"
    more = _find_more(spread, candidate, nights, abs(harm - bound), figures) if outcome == "inconclusive" else None
    return NightsDecision(
        outcome,
        _to_fraction(harm, larger_is_better),
        _to_fraction(harm - half, larger_is_better),
        _to_fraction(harm + half, larger_is_better),
        margin,
        nights,
        (sum(map(len, baseline)), sum(map(len, candidate))),
        spread,
        more,
    )


def find_spread(baseline: Nights, candidate: Nights) -> NightSpread:
    """Return the variance components of both sides together."""
    means = [[fmean(night) for night in side] for side in (baseline, candidate)]
    freedom = sum(len(side) - 1 for side in means)
    squares = inner_squares = 0.0
    inner = 0
    for side, side_means in zip((baseline, candidate), means, strict=True):
        middle = fmean(side_means)
        for night, mean in zip(side, side_means, strict=True):
            squares += (mean - middle) ** 2
            inner_squares += sum((level - mean) ** 2 for level in night)
            inner += len(night) - 1
    night_means = squares / freedom if freedom else 0.0
    return NightSpread(
        night_means,
        inner_squares / inner if inner else 0.0,
        _find_drift(means[0]),
        freedom,
        1.0 / _inverse(baseline),
    )


def half_width(spread: NightSpread, nights: tuple[int, int], inverse_launches: float, alpha: float = ALPHA) -> float:
    """Half-width of the bounds (log ratio); infinite with one night of a baseline.

    ``inverse_launches``: mean over the candidate's nights of 1 / launches.
    """
    if nights[0] < MIN_NIGHTS:
        return math.inf
    extra = spread.launches * max(0.0, inverse_launches - 1.0 / spread.launches_a_night)
    freedom = sum(nights) - 2
    half = _quantile(alpha, freedom) * math.sqrt(_combine(spread.night_means, extra, spread.drift, nights))
    if freedom < MIN_FREEDOM:
        pooled = (PRIOR_LAUNCH_SD**2 + freedom * spread.night_means) / (freedom + 1)
        with_prior = math.sqrt(_combine(pooled, extra, spread.drift, nights))
        half = max(half, _quantile(alpha, freedom + 1) * with_prior)
    return half


def _combine(night_means: float, extra: float, drift: float, nights: tuple[int, int]) -> float:
    """Variance of the harm."""
    return (night_means + extra) / nights[1] + night_means / nights[0] + drift


@lru_cache(maxsize=1024)
def _quantile(alpha: float, freedom: int) -> float:
    return t_quantile(1.0 - alpha, freedom)


def _find_drift(means: Sequence[float]) -> float:
    """u²: mean square by which each later night missed the mean of those before it, less what s² explains.

    Independent nights miss by s² · (1 + 1/k) for k nights before; a baseline that wanders misses by more.
    """
    n = len(means)
    if n < DRIFT_FROM:
        return 0.0
    mean = fmean(means)
    variance = sum((value - mean) ** 2 for value in means) / (n - 1)
    later = range(max(3, n // 2), n)
    surplus = [(means[k] - fmean(means[:k])) ** 2 - variance * (1.0 + 1.0 / k) for k in later]
    return max(0.0, fmean(surplus))


def _inverse(nights: Nights) -> float:
    return fmean(1.0 / len(night) for night in nights)


def _find_more(
    spread: NightSpread, candidate: Nights, nights: tuple[int, int], distance: float, figures: int
) -> MoreLaunches | None:
    """The fewest further nights of the candidate that would decide; of the baseline, where those alone would not."""
    a_night = max(1, round(spread.launches_a_night), *map(len, candidate))

    def decides(baseline: int, measured: int) -> bool:
        # A further night has ``a_night`` launches; the nights that are there keep theirs.
        inverse = (_inverse(candidate) * nights[1] + (measured - nights[1]) / a_night) / measured
        return half_width(spread, (baseline, measured), inverse, ALPHA / figures) < distance

    for further in range(1, MOST_NIGHTS + 1):
        if decides(nights[0], nights[1] + further):
            return MoreLaunches(further, a_night, "candidate")
    for further in range(1, MOST_NIGHTS + 1):
        if decides(nights[0] + further, nights[1]):
            return MoreLaunches(further, a_night, "baseline")
    return None


def _to_fraction(log: float, larger_is_better: bool) -> float:
    """A log harm as a fraction of the baseline: a loss of a rate, a rise of a latency."""
    if larger_is_better:
        return -math.expm1(min(LARGEST_LOG, -log)) if -log < LARGEST_LOG else -math.inf
    return math.expm1(log) if log < LARGEST_LOG else math.inf
