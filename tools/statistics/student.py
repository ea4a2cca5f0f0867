"""Student's t distribution by the regularized incomplete beta function, in plain Python.

An audit needs one quantile; loading scipy for it costs more than the audit. Source: Abramowitz and Stegun 26.5.8 and
26.7.1, with the continued fraction evaluated by Lentz's method.
"""

from __future__ import annotations

import math

_TINY = 1e-300
_EPSILON = 1e-16
_MAX_TERMS = 100_000


def t_sf(t: float, df: float) -> float:
    """Return P(T > t), precise far out in the tail, where 1 − cdf is not."""
    if not df > 0:
        raise ValueError(f"degrees of freedom must be positive, not {df}")
    if math.isnan(t):
        raise ValueError("t is not a number")
    if math.isinf(df):
        return 0.5 * math.erfc(t / math.sqrt(2.0))
    if t < 0:
        return 1.0 - t_sf(-t, df)
    ratio = t / math.sqrt(df)
    if ratio > 1e150:
        return 0.0 if df >= 2 else 0.5 * _beta(df / 2, 0.5, 0.0 if math.isinf(t) else ratio**-1 / ratio, 1.0)
    square = ratio * ratio
    return 0.5 * _beta(df / 2, 0.5, 1.0 / (1.0 + square), square / (1.0 + square))


def t_quantile(p: float, df: float) -> float:
    """Return t with P(T ≤ t) = p. ``t_quantile(0.95, n - 1)`` is the factor of a one-sided 95 % bound over n blocks.

    Raises ValueError unless 0 < p < 1.
    """
    if not 0.0 < p < 1.0:
        raise ValueError(f"a quantile needs 0 < p < 1, not {p}")
    if p < 0.5:
        return -_upper_quantile(p, df)
    return 0.0 if p == 0.5 else _upper_quantile(1.0 - p, df)


def normal_cdf(z: float) -> float:
    """Return P(Z ≤ z) of the standard normal distribution."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def _upper_quantile(tail: float, df: float) -> float:
    low, high = 0.0, 1.0
    while t_sf(high, df) > tail:
        low, high = high, high * 2.0
        if math.isinf(high):
            return high
    guess = 0.5 * (low + high)
    for _ in range(200):
        excess = t_sf(guess, df) - tail
        if excess > 0:
            low = guess
        else:
            high = guess
        step = excess / _density(guess, df)
        # Newton's step, unless it leaves the bracket that bisection keeps.
        better = guess + step if low < guess + step < high else 0.5 * (low + high)
        if abs(better - guess) <= 4 * _EPSILON * better:
            return better
        guess = better
    return guess


def _density(t: float, df: float) -> float:
    if math.isinf(df):
        return math.exp(-0.5 * t * t) / math.sqrt(2.0 * math.pi)
    log_scale = _log_gamma_ratio(df / 2, 0.5) - 0.5 * math.log(df * math.pi)
    return max(math.exp(log_scale - 0.5 * (df + 1.0) * math.log1p(t * t / df)), _TINY)


def _beta(a: float, b: float, x: float, y: float) -> float:
    """Regularized incomplete beta I_x(a, b); ``y`` = 1 − x is passed in because subtracting would lose digits."""
    if x <= 0.0:
        return 0.0
    if y <= 0.0:
        return 1.0
    log_x = math.log1p(-y) if y < 0.5 else math.log(x)
    log_y = math.log1p(-x) if x < 0.5 else math.log(y)
    front = math.exp(_log_gamma_ratio(a, b) - math.lgamma(b) + a * log_x + b * log_y)
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, y) / b


def _log_gamma_ratio(a: float, b: float) -> float:
    if b == 0.5 and a > 1000.0:
        # The two logarithms agree in most of their digits here; their difference has a short series (DLMF 5.11.13).
        return 0.5 * math.log(a) - 1.0 / (8.0 * a) + 1.0 / (192.0 * a**3)
    return math.lgamma(a + b) - math.lgamma(a)


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, _nonzero(1.0 - (a + b) * x / (a + 1.0))
    d = 1.0 / d
    value = d
    for m in range(1, _MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1.0 / _nonzero(1.0 + even * d)
        c = _nonzero(1.0 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1.0 / _nonzero(1.0 + odd * d)
        c = _nonzero(1.0 + odd / c)
        step = d * c
        value *= step
        if abs(step - 1.0) < 4 * _EPSILON:
            return value
    raise ArithmeticError(f"incomplete beta did not converge at a={a}, b={b}, x={x}")


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
