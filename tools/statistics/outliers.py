"""Outliers: |x − median| > 3.5 · 1.4826 · MAD marks a point (Iglewicz and Hoaglin 1993)."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

THRESHOLD = 3.5
_MAD_TO_SD = 1.4826


def robust_sd(values: Sequence[float]) -> float:
    """Return 1.4826 · MAD, which estimates the standard deviation of normal data and ignores outliers."""
    centre = median(values)
    return _MAD_TO_SD * median(abs(value - centre) for value in values)


def outlier_marks(values: Sequence[float], threshold: float = THRESHOLD) -> tuple[bool, ...]:
    """Mark far points. Fewer than three points mark nothing; where most points are equal, every other one is far."""
    if len(values) < 3:
        return (False,) * len(values)
    centre, scale = median(values), robust_sd(values)
    return tuple(abs(value - centre) > threshold * scale for value in values)
