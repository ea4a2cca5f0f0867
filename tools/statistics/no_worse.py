"""Whether a change that is meant to be no gain is no worse by more than a margin (non-inferiority).

y = level of a launch: median over its rounds of log(figure)
h = harm: mean difference of the levels, with its sign turned where larger is better
s² = pooled variance of y within the sides, ν = n_reference + n_candidate − 2 degrees of freedom
L, U = h ∓ t(1−α, ν) · s · √(1/n_reference + 1/n_candidate)
no_worse: U < log(1 + margin). worse: L > log(1 + margin). undecided: the interval holds the margin.

With few launches the bounds are at least as wide as with the prior of ``few``. One launch a side decides nothing.
Several figures together are no worse when each is, at level α each; each is worse at α over their number, so that the
chance to call any of them worse by mistake stays α.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from bankable.tools.statistics.few import MIN_FREEDOM, MIN_LAUNCHES, PRIOR_LAUNCH_SD
from bankable.tools.statistics.paired import launch_level
from bankable.tools.statistics.student import t_quantile

ALPHA = 0.05
"""One-sided level of a bound."""
MOST_LAUNCHES = 200
"""Launches a side past which "how many more" is not worth an answer."""

Outcome = Literal["no_worse", "worse", "undecided"]


@dataclass(frozen=True)
class Change:
    """The change of a figure over launches: candidate over reference, as log ratios."""

    mean: float
    variance: float
    """Pooled variance of the launch levels around their side's mean."""
    launches: tuple[int, int]

    def half_width(self, alpha: float = ALPHA, launches: tuple[int, int] | None = None) -> float:
        """Half-width of the bounds, with these or other numbers of launches; infinite with one launch a side."""
        n = launches or self.launches
        if min(n) < MIN_LAUNCHES:
            return math.inf
        freedom = sum(n) - 2
        half = t_quantile(1.0 - alpha, freedom) * math.sqrt(self.variance)
        if freedom < MIN_FREEDOM:
            pooled = (PRIOR_LAUNCH_SD**2 + freedom * self.variance) / (freedom + 1)
            half = max(half, t_quantile(1.0 - alpha, freedom + 1) * math.sqrt(pooled))
        return half * math.sqrt(1.0 / n[0] + 1.0 / n[1])


@dataclass(frozen=True)
class NoWorseDecision:
    """What the launches say about one figure. Harm is a fraction of the reference; positive is worse."""

    outcome: Outcome
    harm: float
    lower: float
    upper: float
    margin: float
    launches_needed: int | None
    """Launches a side with which the same means and spread would decide, where it is undecided; ``None`` where no
    feasible number would."""


def find_change(reference: Sequence[Sequence[float]], candidate: Sequence[Sequence[float]]) -> Change | None:
    """Return the change of a figure, given as launches of rounds; ``None`` where a launch lacks a positive one."""
    sides = (reference, candidate)
    if any(not side or any(not rounds or min(rounds) <= 0 for rounds in side) for side in sides):
        return None
    levels = [[launch_level(rounds) for rounds in side] for side in sides]
    freedom = sum(len(side) - 1 for side in levels)
    squares = sum(sum((y - fmean(side)) ** 2 for y in side) for side in levels)
    return Change(
        fmean(levels[1]) - fmean(levels[0]), squares / freedom if freedom else 0.0, (len(levels[0]), len(levels[1]))
    )


def decide_no_worse(change: Change, margin: float, *, larger_is_better: bool, figures: int = 1) -> NoWorseDecision:
    """Judge one of ``figures`` figures against its margin (fraction)."""
    harm = -change.mean if larger_is_better else change.mean
    bound = -math.log1p(-margin) if larger_is_better else math.log1p(margin)
    half = change.half_width()
    surely = change.half_width(ALPHA / figures)
    outcome: Outcome = "no_worse" if harm + half < bound else "worse" if harm - surely > bound else "undecided"
    needed = _find_launches_needed(change, abs(harm - bound), ALPHA / figures) if outcome == "undecided" else None
    low, high = harm - half, harm + half
    if larger_is_better:  # as a loss of the reference's rate
        return NoWorseDecision(outcome, -math.expm1(-harm), -math.expm1(-low), -math.expm1(-high), margin, needed)
    return NoWorseDecision(outcome, math.expm1(harm), math.expm1(low), _grow(high), margin, needed)


def _grow(log: float) -> float:
    return math.inf if log > 700.0 else math.expm1(log)


def _find_launches_needed(change: Change, distance: float, alpha: float) -> int | None:
    """The smallest number a side with which the half-width falls below the distance to the margin."""
    if change.launches[0] + change.launches[1] < 3:
        change = Change(change.mean, PRIOR_LAUNCH_SD**2, change.launches)
    least = max(MIN_LAUNCHES, min(change.launches) + 1)
    return next((n for n in range(least, MOST_LAUNCHES + 1) if change.half_width(alpha, (n, n)) < distance), None)
