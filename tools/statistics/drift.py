"""Whether a baseline itself has moved since its first nights: the slow change that no single night shows.

A rolling baseline follows a regression of a little every night, and each night is then no worse than those before it.

Y = mean of a night's launch levels (log figure); first and last: k = n // 3 nights at each end, three at least, ten at
most
h = harm: mean Y of the last less that of the first, its sign turned where larger is better
L, U = h ∓ t(1−α, 2k−2) · s · √(2/k), s² pooled over both groups, α = 1 % because the question is asked every night
worse: L > log(1 + margin). better: −U > log(1 + floor). steady: U < log(1 + margin). unclear: anything else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from bankable.tools.statistics.few import FLOOR
from bankable.tools.statistics.student import t_quantile

ALPHA = 0.01
"""One-sided level of a bound."""
FEWEST, MOST = 3, 10
"""Nights at each end."""
FROM_NIGHTS = 2 * FEWEST

DriftOutcome = Literal["worse", "better", "steady", "unclear"]


@dataclass(frozen=True)
class DriftDecision:
    """How the last nights of a baseline compare with its first. Harm is a fraction of the first; positive is worse."""

    outcome: DriftOutcome
    harm: float
    lower: float
    upper: float
    ends: int
    """Nights at each end."""


def find_drift(
    nights: Sequence[Sequence[float]], margin: float, *, larger_is_better: bool, figures: int = 1
) -> DriftDecision | None:
    """Compare the last nights of a baseline with its first; ``None`` with fewer than six nights."""
    if len(nights) < FROM_NIGHTS:
        return None
    ends = min(MOST, max(FEWEST, len(nights) // 3))
    means = [fmean(night) for night in nights]
    first, last = means[:ends], means[-ends:]
    sign = -1.0 if larger_is_better else 1.0
    harm = sign * (fmean(last) - fmean(first))
    squares = sum((y - fmean(side)) ** 2 for side in (first, last) for y in side)
    freedom = 2 * ends - 2
    error = math.sqrt(squares / freedom * 2.0 / ends)
    half, surely = (t_quantile(1.0 - alpha, freedom) * error for alpha in (ALPHA, ALPHA / figures))
    bound = -math.log1p(-margin) if larger_is_better else math.log1p(margin)
    outcome: DriftOutcome = "unclear"
    if harm - surely > bound:
        outcome = "worse"
    elif -(harm + half) > math.log1p(FLOOR):
        outcome = "better"
    elif harm + half < bound:
        outcome = "steady"
    low, mean, high = (
        -math.expm1(-log) if larger_is_better else math.expm1(log) for log in (harm - half, harm, harm + half)
    )
    return DriftDecision(outcome, mean, low, high, ends)
