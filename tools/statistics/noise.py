"""Estimates the noise of a leg and the smallest effect that a comparison can detect.

The smallest effect above the floor that n blocks detect with the given power solves P(T' > t(1−α, n−1)) = power for the
noncentral T' with noncentrality effect·√n/s_d: about 1.19·s_d for n = 6 and 0.85·s_d for n = 10 at 80 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from bankable.tools.statistics.student import normal_cdf, t_quantile

_STEPS = 400


def spread(values: Sequence[float]) -> float:
    """Return (max − min) / median as a fraction. One value has spread 0, which proves nothing: count the values."""
    if not values or not median(values) > 0:
        raise ValueError("a spread needs positive values")
    return (max(values) - min(values)) / median(values)


def drift(values: Sequence[float]) -> float:
    """Return the change from first to last along the median of all pairwise slopes, as a fraction of the median.

    The Theil–Sen slope: a single outlier does not move it. 0 for fewer than two values. Raises ValueError when the
    median is not positive.
    """
    if len(values) < 2:
        return 0.0
    if not median(values) > 0:
        raise ValueError("a drift needs positive values")
    slopes = [(values[j] - values[i]) / (j - i) for j in range(len(values)) for i in range(j)]
    return median(slopes) * (len(values) - 1) / median(values)


def power(effect: float, sd: float, n: int, alpha: float = 0.05) -> float:
    """Return the chance that ``n`` blocks with standard deviation ``sd`` put L above the floor.

    ``effect`` is the true mean difference above the floor, in the unit of ``sd``. Raises ValueError for n < 2.
    """
    if n < 2 or not sd >= 0:
        raise ValueError("power needs at least two blocks and a standard deviation of at least 0")
    if sd == 0:
        return 1.0 if effect > 0 else 0.0
    return noncentral_t_tail(t_quantile(1.0 - alpha, n - 1), n - 1, effect * math.sqrt(n) / sd)


def minimal_detectable_effect(sd: float, n: int, alpha: float = 0.05, wanted: float = 0.8) -> float:
    """Return the smallest mean difference above the floor that is detected with chance ``wanted``, in the unit of sd.

    Infinite for n < 2. Raises ValueError unless 0 < α < wanted < 1.
    """
    if not 0.0 < alpha < wanted < 1.0:
        raise ValueError("a detectable effect needs 0 < alpha < power < 1")
    if n < 2:
        return math.inf
    low, high = 0.0, 1.0
    while power(high, 1.0, n, alpha) < wanted:
        low, high = high, high * 2.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if power(middle, 1.0, n, alpha) < wanted else (low, middle)
    return high * sd


def noncentral_t_tail(t: float, df: int, shift: float) -> float:
    """Return P(T > t) of the noncentral t distribution, T = (Z + shift) / S with S² ~ χ²(df)/df, by Simpson's rule."""
    log_scale = math.log(2.0) + 0.5 * df * math.log(0.5 * df) - math.lgamma(0.5 * df)
    width = 9.0 / math.sqrt(2.0 * df)
    low, high = max(0.0, 1.0 - width), 1.0 + width
    step = (high - low) / _STEPS
    total = 0.0
    for i in range(_STEPS + 1):
        s = low + i * step
        if s == 0.0:
            # Only one degree of freedom has mass at zero.
            density = math.exp(log_scale) if df == 1 else 0.0
        else:
            density = math.exp(log_scale + (df - 1) * math.log(s) - 0.5 * df * s * s)
        weight = 1 if i in (0, _STEPS) else 4 if i % 2 else 2
        total += weight * density * normal_cdf(shift - t * s)
    return total * step / 3.0
