"""Rules that call a gain real on few launches, each over many simulated comparisons at once.

A rule takes comparisons that were simulated without a gain and returns, for each, the gain (log ratio) above which it
would have called the gain real: a true gain multiplies all candidate rounds alike, and each rule is monotone in it.
Sources: Hyperloom's and GEAK's acceptance rules as their projects describe them; "Multi-run confidence reporting" of
the AIPerf documentation (two-sided t intervals of each side that do not overlap); the README of inference-doctor 0.4.1
(a 90 % Welch interval of the log ratio of means that lies at or past the threshold, at least three runs a side; here
the threshold is the floor, and a gain is judged instead of a loss).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special

from bankable.tools.statistics.few import COLD_START, FLOOR, MIN_FREEDOM, MIN_LAUNCHES, half_width
from bankable.tools.statistics.simple import NOISE_BAND

Array = npt.NDArray[np.float64]

THRESHOLD = math.log1p(FLOOR)
HYPERLOOM_GAIN = 0.03
"""Mean gain of the two pairs that Hyperloom's rule asks for, as a fraction."""
_STEPS = 200


@dataclass(frozen=True)
class Comparisons:
    """Simulated comparisons without a gain."""

    rounds: Array
    """Log metric of each round, shape (comparisons, 2 sides, launches, rounds); the candidate is side 1."""

    @property
    def launches(self) -> int:
        """Number of launches of each side."""
        return int(self.rounds.shape[2])

    @cached_property
    def levels(self) -> Array:
        """Log metric of each launch: the median of its rounds, shape (comparisons, 2, launches)."""
        levels: Array = np.median(self.rounds, axis=3)
        return levels

    @cached_property
    def warm_levels(self) -> Array:
        """The same without cold first rounds, as ``few.launch_levels`` takes them."""
        if self.rounds.shape[3] != 2:
            return self.levels
        slower = self.rounds[..., 0] < self.rounds[..., 1] + math.log1p(-COLD_START)
        cold = np.any(np.all(slower, axis=2), axis=1, keepdims=True)
        levels: Array = np.where(cold[..., None], self.rounds[..., 1], self.levels)
        return levels

    @cached_property
    def means(self) -> Array:
        """Arithmetic mean of the metric over the rounds of each launch, which other tools report."""
        means: Array = np.exp(self.rounds).mean(axis=3)
        return means

    def never(self) -> Array:
        """Never call a gain real, however large."""
        return np.full(len(self.rounds), math.inf)


@dataclass(frozen=True)
class Welch:
    """Welch's comparison of two means."""

    difference: Array
    error: Array
    """Standard error of the difference."""
    freedom: Array
    """Degrees of freedom by Welch and Satterthwaite."""

    def needed_gain(self, level: float) -> Array:
        """Gain above which the one-sided bound at ``level`` is above the floor."""
        critical = special.stdtrit(self.freedom, 1.0 - level)
        needed: Array = np.asarray(THRESHOLD - self.difference + critical * self.error, dtype=np.float64)
        return needed

    def level_for(self, error: float) -> float:
        """Level at which a true gain at the floor is called real in this share of the comparisons."""
        tails = special.stdtr(self.freedom, -self.difference / self.error)
        return float(np.quantile(tails, error))


def compare_levels(levels: Array) -> Welch:
    """Welch's comparison of log launch levels. Needs two launches a side."""
    parts = levels.var(axis=2, ddof=1) / levels.shape[2]
    return _welch(levels[:, 1].mean(axis=1) - levels[:, 0].mean(axis=1), parts, levels.shape[2])


def few_launches(sample: Comparisons) -> Array:
    """The rule of this project, ``few.decide_few``."""
    if sample.launches < MIN_LAUNCHES:
        return sample.never()
    levels = sample.warm_levels
    spread = np.sqrt(levels.var(axis=2, ddof=1).mean(axis=1))
    difference = levels[:, 1].mean(axis=1) - levels[:, 0].mean(axis=1)
    needed: Array = THRESHOLD - difference + _half_widths(spread, sample.launches)
    return needed


def plain_welch(sample: Comparisons) -> Array:
    """Welch's one-sided 95 % bound above the floor."""
    return sample.never() if sample.launches < 2 else compare_levels(sample.levels).needed_gain(0.05)


def inference_doctor(sample: Comparisons) -> Array:
    """A 90 % Welch interval of the ratio of means, wholly at or past the floor, from three runs a side."""
    if sample.launches < 3:
        return sample.never()
    means = sample.means.mean(axis=2)
    parts = sample.means.var(axis=2, ddof=1) / (sample.launches * means**2)
    return _welch(np.log(means[:, 1] / means[:, 0]), parts, sample.launches).needed_gain(0.05)


def aiperf(sample: Comparisons) -> Array:
    """Two-sided 95 % t intervals of both sides, which do not overlap."""
    n = sample.launches
    if n < 2:
        return sample.never()
    half = special.stdtrit(n - 1, 0.975) * sample.means.std(axis=2, ddof=1) / math.sqrt(n)
    centre = sample.means.mean(axis=2)
    lowest = np.maximum(centre[:, 1] - half[:, 1], 1e-300)
    needed: Array = np.log((centre[:, 0] + half[:, 0]) / lowest)
    return needed


def geak(sample: Comparisons) -> Array:
    """Medians over all rounds differ by more than the noise band, and no candidate round is below a reference round."""
    flat = sample.rounds.reshape(*sample.rounds.shape[:2], -1)
    medians = np.median(flat, axis=2)
    apart = medians[:, 0] - medians[:, 1] + math.log1p(NOISE_BAND)
    separated = flat[:, 0].max(axis=1) - flat[:, 1].min(axis=1)
    needed: Array = np.maximum(apart, separated)
    return needed


def hyperloom(sample: Comparisons) -> Array:
    """Two pairs of launches, both faster, by 3 % in the mean. Further launches are not made."""
    if sample.launches < 2:
        return sample.never()
    ratios = sample.means[:, 1, :2] / sample.means[:, 0, :2]
    same_sign, large = -np.log(ratios.min(axis=1)), math.log1p(HYPERLOOM_GAIN) - np.log(ratios.mean(axis=1))
    needed: Array = np.maximum(same_sign, large)
    return needed


RULES: dict[str, Callable[[Comparisons], Array]] = {
    "this project": few_launches,
    "Welch, one-sided 95 % bound above the floor": plain_welch,
    "inference-doctor 0.4.1, threshold = floor": inference_doctor,
    "AIPerf, 95 % intervals do not overlap": aiperf,
    "GEAK, medians 0.5 % apart and no overlap": geak,
    "Hyperloom, two pairs, same sign, 3 %": hyperloom,
}


def _welch(difference: Array, parts: Array, n: int) -> Welch:
    """``parts`` are the squared standard errors of both sides, shape (comparisons, 2)."""
    total = parts.sum(axis=1)
    return Welch(difference, np.sqrt(total), total**2 / ((parts**2).sum(axis=1) / (n - 1)))


def _half_widths(spread: Array, n: int) -> Array:
    """``few.half_width`` for each pooled sd: linear in it where the prior is not used, else interpolated."""
    freedom, launches = 2 * n - 2, (n, n)
    if freedom >= MIN_FREEDOM:
        linear: Array = half_width(1.0, freedom, launches) * spread
        return linear
    grid = np.linspace(0.0, float(spread.max()), _STEPS)
    return np.interp(spread, grid, [half_width(sd * sd, freedom, launches) for sd in grid])
