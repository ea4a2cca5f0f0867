"""Outliers: a far point is marked, and only a marked point with a fault of its own may be dropped, on both legs alike.

|x − median| > 3.5 · 1.4826 · MAD marks a point (Iglewicz and Hoaglin 1993).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from statistics import median

THRESHOLD = 3.5
_MAD_TO_SD = 1.4826


class Fault(StrEnum):
    """Independent signs that a round went wrong, none of which is the metric itself."""

    ERROR = "error"
    RESTART = "restart"
    THROTTLE = "throttle"
    TENANT = "tenant"


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


def droppable(
    reference: Sequence[float],
    candidate: Sequence[float],
    reference_faults: Sequence[Collection[Fault]],
    candidate_faults: Sequence[Collection[Fault]],
) -> tuple[bool, ...]:
    """Say which pairs of rounds may be dropped: one of the two is an outlier of its leg and shows a fault itself.

    All four run over the same rounds; a pair goes on both legs or on neither. Raises ValueError on different lengths.
    """
    if not len(reference) == len(candidate) == len(reference_faults) == len(candidate_faults):
        raise ValueError("rounds and faults of the two legs must pair up")
    marked = zip(outlier_marks(reference), outlier_marks(candidate), reference_faults, candidate_faults, strict=True)
    return tuple(bool((far_a and a) or (far_b and b)) for far_a, far_b, a, b in marked)
