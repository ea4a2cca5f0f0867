"""The decision rule for evidence without a plan: few launches a side, possibly unequal numbers, possibly one.

y = level of a launch: median over its rounds of log(metric)
s² = pooled variance of y within the sides, ν = n_reference + n_candidate − 2 degrees of freedom
L, U = mean difference ∓ c · s · √(1/n_reference + 1/n_candidate)
real: L > log(1 + floor), at least two launches a side. not_real: U < log(1 + floor). undecided: anything else.

The noise of rounds is part of the spread of the levels and is not added a second time. Where launches have two rounds
and every launch of a side starts cold, first rounds do not count on either side: a median of two would give them half
of the weight. The critical value c is the
larger of two: Student's t at level α, which bounds the chance of a gain at the floor to be called real on any machine,
and the value that bounds the chance of a null change to ``NULL_RATE`` where launches scatter by ``NULL_LAUNCH_SD``
(a quantile of the noncentral t distribution; a quieter machine passes fewer, one of 10 % at most 2 %). With fewer than
``MIN_FREEDOM`` degrees of freedom two launches may agree by luck, so that the bounds are at least as wide as with a
prior of ``PRIOR_LAUNCH_SD`` that counts as one degree of freedom. What was seen is never shrunk. With one launch a side
the bounds show what that prior would give if it were known, or the noise of the rounds, and prove no gain.
Assumed are independent launches whose levels are normal with one standard deviation on both sides;
``FewDecision.assumed`` says so.

``python -m evals bench few`` simulates the error rates and the power beside other rules.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean
from typing import Literal

from bankable.tools.statistics.noise import noncentral_t_tail
from bankable.tools.statistics.paired import Verdict, launch_level
from bankable.tools.statistics.simple import NOISE_BAND, SimpleRule, simple_rule
from bankable.tools.statistics.student import t_quantile, t_sf

PRIOR_LAUNCH_SD = 0.02
"""Standard deviation of a launch, as a fraction, that is assumed where launches say little; one degree of freedom."""

FLOOR = 0.01
"""Smallest gain worth banking, as a fraction, where no plan declares one."""

MIN_FREEDOM = 4
"""Degrees of freedom from which the spread that was seen stands alone: three launches a side."""

MIN_LAUNCHES = 2
"""Launches of each side that a real gain needs. One launch has no spread, whatever its rounds say."""

NULL_RATE = 0.009
"""Largest chance of a null change to be called real: 1 %, less a tenth for what the model leaves out."""

NULL_LAUNCH_SD = 0.06
"""Standard deviation of a launch level, as a fraction, up to which that holds: launches that differ by 5 %, and what
their rounds add to it."""

COLD_START = 0.03
"""Share by which the first of two rounds is slower than the second where a launch starts cold."""

FewOutcome = Literal["real", "undecided", "disproved", "slower"]
LaunchSdSource = Literal["launches", "launches and control", "control", "prior"]


@dataclass(frozen=True)
class Control:
    """The result of an A/A control on the same machine with the same workload."""

    block_sd: float
    """Standard deviation of its block differences, as a log ratio: √2 times that of a launch."""
    blocks: int


@dataclass(frozen=True)
class FewDecision:
    """The verdict on unplanned evidence. Mean and bounds are log ratios candidate/reference; the mean lies between."""

    verdict: Verdict
    mean: float
    """Difference of the mean launch levels."""
    lower: float
    upper: float
    level: float
    """Chance, one-sided and as a fraction, that the true value lies beyond a bound."""
    launch_sd: float
    """Standard deviation of the level of a launch, as a log ratio: as seen, or as assumed where nothing was seen."""
    launch_sd_source: LaunchSdSource
    """Where ``launch_sd`` comes from."""
    round_sd: float | None
    """Standard deviation of rounds within a launch, as a log ratio, for information; ``None`` without two rounds."""
    launches: tuple[int, int]
    """Of the reference and of the candidate."""
    lacks_launches: bool
    """The lower bound is above the floor, and the gain is undecided only because a side has a single launch."""
    reason: str
    """One sentence with the figures that decided."""
    assumed: str
    """What the bounds rest on and the evidence does not show."""
    simple: SimpleRule
    """The simple rule over all rounds, because people know it."""

    @property
    def gain(self) -> float:
        """Mean gain as a fraction."""
        return math.expm1(self.mean)

    @property
    def gain_interval(self) -> tuple[float, float]:
        """Bounds as fractions."""
        return math.expm1(self.lower), math.expm1(self.upper)

    @property
    def outcome(self) -> FewOutcome:
        """The verdict in four words: what is not real is slower, or a gain above the floor is disproved.

        One launch a side disproves no more than it proves.
        """
        if self.verdict == "real":
            return "real"
        if self.verdict == "undecided" or min(self.launches) < MIN_LAUNCHES:
            return "undecided"
        return "slower" if self.upper < 0.0 else "disproved"


@dataclass(frozen=True)
class _Spread:
    """Launch levels around their side's mean."""

    variance: float
    freedom: int
    source: LaunchSdSource


def decide_few(
    reference: Sequence[Sequence[float]],
    candidate: Sequence[Sequence[float]],
    *,
    alpha: float = 0.05,
    floor: float = FLOOR,
    control: Control | None = None,
    prior: float = PRIOR_LAUNCH_SD,
    band: float = NOISE_BAND,
) -> FewDecision:
    """Judge two sides, each given as launches of rounds of the metric (larger is better).

    ``alpha`` is the largest chance of a gain at the floor to be called real, ``floor`` and ``prior`` are fractions, and
    ``band`` is the noise band of the simple rule. The spread of a control is pooled with that of the launches. Launches
    that were interleaved in pairs may be given too: what pairs have in common only widens the bounds. Raises ValueError
    on an empty side or launch, and on a metric that is not positive.
    """
    if not reference or not candidate:
        raise ValueError("both legs need at least one launch")
    levels = launch_levels(reference, candidate)
    launches = len(reference), len(candidate)
    spread = _pool(levels, control)
    mean = fmean(levels[1]) - fmean(levels[0])
    half = half_width(spread.variance, spread.freedom, launches, alpha=alpha, floor=floor, prior=prior)
    if not spread.freedom:
        half = max(half, t_quantile(1.0 - alpha, math.inf) * _level_error(reference[0], candidate[0]))
    scale = math.sqrt(1.0 / launches[0] + 1.0 / launches[1])
    verdict, reason = _judge(mean - half, mean + half, math.log1p(floor), launches)
    critical = critical_value(spread.freedom, scale, alpha, floor) if spread.freedom else 0.0
    rates = [[value for rounds in leg for value in rounds] for leg in (reference, candidate)]
    return FewDecision(
        verdict=verdict,
        mean=mean,
        lower=mean - half,
        upper=mean + half,
        level=t_sf(critical, spread.freedom) if spread.freedom else alpha,
        launch_sd=math.sqrt(spread.variance) if spread.freedom else prior,
        launch_sd_source=spread.source,
        round_sd=_round_sd([*reference, *candidate]),
        launches=launches,
        lacks_launches=verdict == "undecided" and mean - half > math.log1p(floor),
        reason=reason,
        assumed=_describe_assumptions(spread.freedom, prior),
        simple=simple_rule(rates[0], rates[1], band),
    )


def half_width(
    variance: float,
    freedom: int,
    launches: tuple[int, int],
    *,
    alpha: float = 0.05,
    floor: float = FLOOR,
    prior: float = PRIOR_LAUNCH_SD,
) -> float:
    """Return the half-width of the bounds (log ratio) for a pooled variance of launch levels.

    It grows with the variance, so that more spread never makes a gain more likely to be called real.
    """
    scale = math.sqrt(1.0 / launches[0] + 1.0 / launches[1])
    if not freedom:
        return t_quantile(1.0 - alpha, math.inf) * prior * scale
    seen = critical_value(freedom, scale, alpha, floor) * math.sqrt(variance)
    if freedom >= MIN_FREEDOM:
        return seen * scale
    with_prior = math.sqrt((prior**2 + freedom * variance) / (freedom + 1))
    return max(seen, critical_value(freedom + 1, scale, alpha, floor) * with_prior) * scale


@lru_cache(maxsize=1024)
def critical_value(freedom: int, scale: float, alpha: float = 0.05, floor: float = FLOOR) -> float:
    """Return c, the factor on the standard error.

    ``scale`` is the standard error over the standard deviation of a launch. At a true gain of 0 the statistic
    (d − log(1 + floor)) / (s · scale) has a noncentral t distribution, whose noncentrality is known for a machine with
    ``NULL_LAUNCH_SD``.
    """
    shift = -math.log1p(floor) / (NULL_LAUNCH_SD * scale)
    low = t_quantile(1.0 - alpha, freedom)
    if noncentral_t_tail(low, freedom, shift) <= NULL_RATE:
        return low
    high = t_quantile(1.0 - NULL_RATE, freedom)
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if noncentral_t_tail(middle, freedom, shift) > NULL_RATE else (low, middle)
    return high


def launch_levels(
    reference: Sequence[Sequence[float]], candidate: Sequence[Sequence[float]]
) -> tuple[list[float], list[float]]:
    """Return the level (log metric) of each launch of both sides, without cold first rounds."""
    levels = [[launch_level(rounds) for rounds in leg] for leg in (reference, candidate)]
    if _starts_cold(reference) or _starts_cold(candidate):
        for leg, side in zip((reference, candidate), levels, strict=True):
            side[:] = [math.log(rounds[1]) if len(rounds) == 2 else y for rounds, y in zip(leg, side, strict=True)]
    return levels[0], levels[1]


def _starts_cold(leg: Sequence[Sequence[float]]) -> bool:
    return all(len(rounds) == 2 and rounds[0] < (1.0 - COLD_START) * rounds[1] for rounds in leg)


def _pool(levels: Sequence[Sequence[float]], control: Control | None) -> _Spread:
    squares = sum(sum((level - fmean(leg)) ** 2 for level in leg) for leg in levels)
    freedom = sum(len(leg) - 1 for leg in levels)
    source: LaunchSdSource = "launches" if freedom else "prior"
    if control is not None and control.blocks >= 2:
        squares += (control.blocks - 1) * control.block_sd**2 / 2.0
        source = "launches and control" if freedom else "control"
        freedom += control.blocks - 1
    return _Spread(squares / freedom if freedom else 0.0, freedom, source)


def _judge(lower: float, upper: float, threshold: float, launches: tuple[int, int]) -> tuple[Verdict, str]:
    low, high, floor = (f"{100 * math.expm1(bound):+.2f} %" for bound in (lower, upper, threshold))
    if upper < threshold:
        return "not_real", f"the upper bound {high} is below the floor {floor}"
    if not lower > threshold:
        return "undecided", f"the interval {low} to {high} contains the floor {floor}"
    if min(launches) < MIN_LAUNCHES:
        return "undecided", f"the lower bound {low} is above the floor {floor}, but one launch a side proves no gain"
    return "real", f"the lower bound {low} is above the floor {floor}"


def _describe_assumptions(freedom: int, prior: float) -> str:
    model = "independent launches that scatter alike on both sides"
    if freedom >= MIN_FREEDOM:
        return model
    if not freedom:
        return f"a launch sd of {prior:.1%}, since no side has two launches"
    return f"{model}, and a launch sd of {prior:.1%} as one further observation, since launches are few"


def _level_error(reference: Sequence[float], candidate: Sequence[float]) -> float:
    """Standard error of the difference of two launch levels from the spread of their rounds; 0 without two rounds."""
    squares = 0.0
    for rounds in (reference, candidate):
        logs = [math.log(value) for value in rounds]
        if len(logs) > 1:
            mean = fmean(logs)
            squares += sum((x - mean) ** 2 for x in logs) / (len(logs) - 1) / len(logs)
    return math.sqrt(squares)


def _round_sd(launches: Sequence[Sequence[float]]) -> float | None:
    """Pooled standard deviation of log(metric) within launches."""
    logs = [[math.log(value) for value in rounds] for rounds in launches if len(rounds) > 1]
    if not logs:
        return None
    squares = sum(sum((x - fmean(group)) ** 2 for x in group) for group in logs)
    return math.sqrt(squares / sum(len(group) - 1 for group in logs))
