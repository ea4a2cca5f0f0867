"""The verdict on a paired comparison: one difference per block of two fresh launches.

y = median over the rounds of log(metric)    one number per launch
d = y_candidate − y_reference                one number per block
L, U = d̄ ∓ t(1−α, n−1) · s_d / √n            one-sided bounds on the log ratio
δ₀ = log(1 + floor)
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Literal

from bankable.tools.statistics.signflip import sign_flip_p
from bankable.tools.statistics.student import t_quantile

Verdict = Literal["real", "not_real", "undecided"]

MIN_BLOCKS = 6
"""Blocks that a comparison with one fixed look needs before it can prove a win."""

SIGN_FLIP_LEVEL = 0.05
"""Largest sign-flip p of a real win, at every look."""

MOST_BLOCKS = 1000
"""Past this many blocks "how many more" is not worth an answer."""


@dataclass(frozen=True)
class Bounds:
    """One-sided bounds on the log ratio, each at level 1 − α."""

    lower: float
    upper: float

    def covers(self, value: float) -> bool:
        """Say whether the bounds leave ``value`` (log ratio) possible. The interval of an A/A control covers 0."""
        return self.lower <= value <= self.upper


@dataclass(frozen=True)
class Decision:
    """What n blocks say. Means, bounds and sd are natural logarithms of the ratio candidate/reference."""

    verdict: Verdict
    mean: float
    lower: float
    """−∞ for a single block, which has no spread."""
    upper: float
    sign_flip_p: float
    n: int
    sd: float | None
    """Sample standard deviation of the block differences; ``None`` for a single block."""
    more_blocks_needed: int | None
    """Further blocks after which the same mean and sd would decide; 0 when decided, ``None`` when no feasible number
    would. A point estimate: with it, the chance of a decision is about one half. For a sequential plan whose last look
    is over it is the size of a new comparison less what was taken."""
    reason: str
    """One sentence with the figures that decided."""

    @property
    def gain(self) -> float:
        """Mean gain as a fraction."""
        return math.expm1(self.mean)

    @property
    def gain_interval(self) -> tuple[float, float]:
        """Bounds L and U as fractions."""
        return math.expm1(self.lower), math.expm1(self.upper)

    @property
    def has_ratio(self) -> bool:
        """Whether the gain may be stated as a percentage."""
        return True

    def describe(self, digits: int = 1) -> str:
        """``+4.2% [+1.9%, +6.4%]``; a single block has no bounds."""
        low, high = self.gain_interval
        span = f" [{low:+.{digits}%}, {high:+.{digits}%}]" if self.n > 1 else ""
        return f"{self.gain:+.{digits}%}{span}"


def launch_level(rounds: Sequence[float]) -> float:
    """Return y of one launch from the metric of its rounds. Raises ValueError on an empty or non-positive metric."""
    if not rounds:
        raise ValueError("a launch without a timed round has no level")
    if not all(math.isfinite(value) and value > 0 for value in rounds):
        raise ValueError("the metric of a round must be positive and finite")
    return median(math.log(value) for value in rounds)


def block_difference(reference: Sequence[float], candidate: Sequence[float]) -> float:
    """Return d of one block from the metrics of the rounds of its two launches."""
    return launch_level(candidate) - launch_level(reference)


def interval(differences: Sequence[float], alpha: float = 0.05) -> Bounds:
    """Return L and U. Raises ValueError for fewer than two blocks or α outside (0, 0.5]."""
    if not 0.0 < alpha <= 0.5:
        raise ValueError(f"alpha must lie in (0, 0.5], not {alpha}")
    if len(differences) < 2:
        raise ValueError("an interval needs at least two blocks")
    mean, half = fmean(differences), _half_width(stdev(differences), len(differences), alpha)
    return Bounds(mean - half, mean + half)


def decide(
    differences: Sequence[float], alpha: float = 0.05, floor: float = 0.01, looks: Sequence[int] | None = None
) -> Decision:
    """Judge block differences by the rule of the project.

    real: a declared n was reached, L > δ₀ and the sign-flip p ≤ 0.05. not_real: U < δ₀. undecided: anything else.
    ``looks`` are the declared block counts: with two or more of them each is a declared n; with one, or without, n must
    be at least ``MIN_BLOCKS`` as well. Raises ValueError on no blocks, non-finite values or a negative floor.
    """
    if not differences or not all(math.isfinite(d) for d in differences):
        raise ValueError("a decision needs finite block differences, at least one")
    if not floor >= 0:
        raise ValueError(f"the floor is a fraction of at least 0, not {floor}")
    n, threshold, mean = len(differences), math.log1p(floor), fmean(differences)
    p = sign_flip_p(differences)
    if n == 1:
        more = count_more_blocks(1, mean - threshold, None, alpha, looks)
        reason = "one block has no spread, so nothing follows from it"
        return Decision("undecided", mean, -math.inf, math.inf, p, 1, None, more, reason)
    sd, bounds = stdev(differences), interval(differences, alpha)
    verdict, reason = _judge(n, bounds, p, threshold, looks)
    more = 0 if verdict != "undecided" else count_more_blocks(n, mean - threshold, sd, alpha, looks)
    return Decision(verdict, mean, bounds.lower, bounds.upper, p, n, sd, more, reason)


def small_and_harmless(decision: Decision, floor: float) -> bool:
    """Say whether blocks leave a small gain likely and a loss beyond the floor excluded: d̄ > 0 and L > −δ₀.

    Such a change is no win on its own. A harness that proved it faster alone makes it worth trying beside others.
    """
    return decision.verdict != "real" and decision.n > 1 and decision.mean > 0 and decision.lower > -math.log1p(floor)


def can_win(n: int, looks: Sequence[int] | None) -> bool:
    """Say whether ``n`` blocks can prove a win at all: a declared count whose sign-flip floor 2⁻ⁿ is low enough."""
    if 0.5**n > SIGN_FLIP_LEVEL or (looks is not None and n not in looks):
        return False
    return n >= MIN_BLOCKS or (looks is not None and len(looks) > 1)


def _judge(n: int, bounds: Bounds, p: float, threshold: float, looks: Sequence[int] | None) -> tuple[Verdict, str]:
    lower, upper, floor = (f"{100 * math.expm1(x):+.2f} %" for x in (bounds.lower, bounds.upper, threshold))
    if bounds.upper < threshold:
        return "not_real", f"the upper bound {upper} is below the floor {floor}"
    if not bounds.lower > threshold:
        return "undecided", f"the interval {lower} to {upper} contains the floor {floor}"
    if not can_win(n, looks):
        return "undecided", f"the lower bound {lower} is above the floor {floor}, but {n} blocks cannot prove a win"
    if p > SIGN_FLIP_LEVEL:
        return "undecided", f"the lower bound {lower} is above the floor {floor}, but the sign-flip p is {p:.4f}"
    return "real", f"the lower bound {lower} is above the floor {floor} and the sign-flip p is {p:.4f}"


def _half_width(sd: float, n: int, alpha: float) -> float:
    return t_quantile(1.0 - alpha, n - 1) * sd / math.sqrt(n)


def count_more_blocks(n: int, excess: float, sd: float | None, alpha: float, looks: Sequence[int] | None) -> int | None:
    """Return further blocks after which the same mean and sd would decide; ``None`` when no feasible number would.

    ``excess`` is the mean above the threshold, ``sd`` the standard deviation of the blocks in the same unit; without
    one the answer is the next count that can give a verdict.
    """
    narrow = range(n + 1, MOST_BLOCKS + 1)
    if sd is not None:
        # The bounds only narrow with more blocks, so the first total that is narrow enough is found by halving.
        first = bisect_left(narrow, True, key=lambda total: _half_width(sd, total, alpha) < abs(excess))
        narrow = narrow[first:]
    losing = sd is not None and excess < 0
    return next((total - n for total in narrow if losing or _could_win(total, looks)), None)


def _could_win(total: int, looks: Sequence[int] | None) -> bool:
    """Up to the last look only declared counts can win; past it the answer is for a comparison not yet declared."""
    if looks is not None and total <= max(looks):
        return can_win(total, looks)
    return total >= MIN_BLOCKS
