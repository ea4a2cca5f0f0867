"""The verdict on a paired comparison of rates that may be zero, such as the requests within latency limits.

x, y = rate of the reference and of the candidate    one number per launch, which may be 0
z(ρ) = y − ρ·x                                       one number per block; mean 0 where ρ is the ratio of the mean rates
L, U = the ρ with |mean z(ρ)| ≤ t(1−α, n−1) · sd(z(ρ)) / √n
real: a declared n, mean z(1 + floor) − t · sd / √n > 0, and the sign-flip p of y − x is at most 0.05

No logarithm is taken, so a launch without a good request is a figure like any other. Where the reference's own mean is
not above zero at level α, U is infinite: then no ratio is stated, and the difference of the rates stands in its place.
Under no change the differences are symmetric, so that the sign-flip test bounds the false wins of one look at 5 %
whatever the rates are like. Source: Fieller, Some problems in interval estimation, J. R. Stat. Soc. B 16 (1954).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from bankable.tools.statistics.paired import (
    SIGN_FLIP_LEVEL,
    Decision,
    Verdict,
    can_win,
    count_more_blocks,
)
from bankable.tools.statistics.signflip import sign_flip_p
from bankable.tools.statistics.student import t_quantile

UNIT = "req/s"


@dataclass(frozen=True)
class RateDecision(Decision):
    """A decision about rates. ``mean``, ``lower`` and ``upper`` are logarithms of the ratio, infinite at a rate of 0.

    ``sd`` is the standard deviation of the differences y − x, in the unit of the rates.
    """

    reference: float
    """Mean rate of the reference over the blocks."""
    candidate: float
    """Mean rate of the candidate over the blocks."""
    difference_interval: tuple[float, float] | None
    """Bounds of the mean difference, in the unit of the rates; ``None`` for a single block."""
    excess: float
    """Mean of z(1 + floor): what the candidate has beyond the floor."""
    excess_sd: float | None
    """Standard deviation of z(1 + floor); ``None`` for a single block."""

    @property
    def difference(self) -> float:
        """Mean difference of the rates."""
        return self.candidate - self.reference

    @property
    def has_ratio(self) -> bool:
        """Whether the reference's rate is above zero beyond its noise, so that a percentage means something."""
        return math.isfinite(self.upper) and math.isfinite(self.mean)

    def describe(self, digits: int = 1) -> str:
        """The gain with its bounds; without a ratio both rates and their difference."""
        if self.has_ratio:
            return super().describe(digits)
        span = ""
        if self.difference_interval is not None:
            low, high = self.difference_interval
            span = f" [{low:+.2f}, {high:+.2f}]"
        return f"{self.reference:.2f} → {self.candidate:.2f} {UNIT}, {self.difference:+.2f}{span} {UNIT}"


@dataclass(frozen=True)
class PairedMoments:
    """Means, variances and covariance of the rates of n blocks."""

    x: float
    y: float
    xx: float
    yy: float
    xy: float
    n: int

    def mean_at(self, ratio: float) -> float:
        """Mean of z(ratio)."""
        return self.y - ratio * self.x

    def sd_at(self, ratio: float) -> float:
        """Standard deviation of z(ratio)."""
        return math.sqrt(max(0.0, self.yy - 2.0 * ratio * self.xy + ratio * ratio * self.xx))

    def half_width_at(self, ratio: float, alpha: float) -> float:
        """Half-width of the interval of the mean of z(ratio)."""
        return t_quantile(1.0 - alpha, self.n - 1) * self.sd_at(ratio) / math.sqrt(self.n)

    def bound_ratio(self, alpha: float) -> tuple[float, float]:
        """L and U of the ratio: 0 where it has no lower bound, infinite where it has no upper one."""
        k = t_quantile(1.0 - alpha, self.n - 1) ** 2 / self.n
        a, b, c = self.x**2 - k * self.xx, self.x * self.y - k * self.xy, self.y**2 - k * self.yy
        root = math.sqrt(max(0.0, b * b - a * c))
        if a > 0 and self.x > 0:
            return max(0.0, (b - root) / a), max(0.0, (b + root) / a)
        if c <= 0 or self.y <= 0:
            return 0.0, math.inf
        # The set reaches to infinity; its lower end is the positive solution of a·ρ² − 2b·ρ + c = 0.
        divisor = b + root
        return (c / divisor if divisor > 0 else math.inf), math.inf


def find_moments(reference: Sequence[float], candidate: Sequence[float]) -> PairedMoments:
    """Moments of at least two blocks."""
    x, y, n = fmean(reference), fmean(candidate), len(reference)
    dx, dy = [value - x for value in reference], [value - y for value in candidate]
    return PairedMoments(
        x,
        y,
        math.fsum(value * value for value in dx) / (n - 1),
        math.fsum(value * value for value in dy) / (n - 1),
        math.fsum(one * other for one, other in zip(dx, dy, strict=True)) / (n - 1),
        n,
    )


def decide_rates(
    reference: Sequence[float],
    candidate: Sequence[float],
    alpha: float = 0.05,
    floor: float = 0.01,
    looks: Sequence[int] | None = None,
) -> RateDecision:
    """Judge the rates of the launches of n blocks. ``looks`` are the declared block counts, as in ``paired.decide``.

    Raises ValueError on no blocks, sides of different length, and rates that are negative or not finite.
    """
    rates = [*reference, *candidate]
    if not reference or len(reference) != len(candidate):
        raise ValueError("a decision needs both rates of each block, at least one")
    if not all(math.isfinite(rate) and rate >= 0 for rate in rates):
        raise ValueError("a rate is negative or not finite")
    n, x, y = len(reference), fmean(reference), fmean(candidate)
    differences = [after - before for before, after in zip(reference, candidate, strict=True)]
    p, excess = sign_flip_p(differences), y - (1.0 + floor) * x
    if n == 1:
        more = count_more_blocks(1, excess, None, alpha, looks)
        return RateDecision(
            verdict="undecided",
            mean=_log_ratio(x, y),
            lower=-math.inf,
            upper=math.inf,
            sign_flip_p=p,
            n=1,
            sd=None,
            more_blocks_needed=more,
            reason="one block has no spread, so nothing follows from it",
            reference=x,
            candidate=y,
            difference_interval=None,
            excess=excess,
            excess_sd=None,
        )
    moments = find_moments(reference, candidate)
    low, high = moments.bound_ratio(alpha)
    half, sd = moments.half_width_at(1.0 + floor, alpha), moments.sd_at(1.0 + floor)
    verdict, reason = _judge(n, (excess - half, excess + half), p, floor, looks, nothing=not any(rates))
    more = 0 if verdict != "undecided" else None if not any(rates) else count_more_blocks(n, excess, sd, alpha, looks)
    spread = stdev(differences)
    width = t_quantile(1.0 - alpha, n - 1) * spread / math.sqrt(n)
    return RateDecision(
        verdict=verdict,
        mean=_log_ratio(x, y),
        lower=_log(low),
        upper=_log(high),
        sign_flip_p=p,
        n=n,
        sd=spread,
        more_blocks_needed=more,
        reason=reason,
        reference=x,
        candidate=y,
        difference_interval=(y - x - width, y - x + width),
        excess=excess,
        excess_sd=sd,
    )


def _judge(
    n: int, bounds: tuple[float, float], p: float, floor: float, looks: Sequence[int] | None, *, nothing: bool
) -> tuple[Verdict, str]:
    lower, upper = bounds
    if nothing:
        return "undecided", "no launch of either side has a rate above 0"
    what = f"the rate beyond {1.0 + floor:g} times the reference's"
    if upper < 0:
        return "not_real", f"{what} is at most {upper:+.3f} {UNIT}"
    if not lower > 0:
        return "undecided", f"{what} lies between {lower:+.3f} and {upper:+.3f} {UNIT}"
    if not can_win(n, looks):
        return "undecided", f"{what} is at least {lower:+.3f} {UNIT}, but {n} blocks cannot prove a win"
    if p > SIGN_FLIP_LEVEL:
        return "undecided", f"{what} is at least {lower:+.3f} {UNIT}, but the sign-flip p is {p:.4f}"
    return "real", f"{what} is at least {lower:+.3f} {UNIT} and the sign-flip p is {p:.4f}"


def _log(ratio: float) -> float:
    if ratio <= 0:
        return -math.inf
    return math.log(ratio) if math.isfinite(ratio) else math.inf


def _log_ratio(reference: float, candidate: float) -> float:
    """Logarithm of candidate over reference; 0 where both are 0."""
    if reference <= 0:
        return math.inf if candidate > 0 else 0.0
    return _log(candidate / reference)
