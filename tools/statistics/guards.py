"""Whether a guarded figure got worse by more than its margin, over the blocks of a paired comparison.

Figures above zero: h = harm of a block, the difference of log levels with its sign turned where larger is better;
L, U = h̄ ∓ t(1−α, n−1) · sd(h) / √n against log(1 + margin), for a rate against −log(1 − margin).
Rates that may be zero: z = y − (1 − margin)·x, held where its lower bound is above 0 (``rates``).

held: the upper bound of the harm is below the margin. broken: the lower bound is above it. undecided: anything else.
A gain counts where its own test passes and every guard is held: each at level α, since all of them have to (an
intersection–union test: Berger, Technometrics 24, 1982).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Literal

from bankable.tools.statistics.paired import Decision, count_more_blocks, decide, interval
from bankable.tools.statistics.rates import PairedMoments, decide_rates, find_moments

GuardOutcome = Literal["held", "broken", "undecided"]
LARGEST_LOG = 500.0


@dataclass(frozen=True)
class PairedLevels:
    """One figure of both launches of each block."""

    reference: tuple[float, ...]
    candidate: tuple[float, ...]
    may_be_zero: bool = False
    """Levels are rates, compared by ``rates``; else they are logarithms of the figure."""

    @property
    def differences(self) -> tuple[float, ...]:
        """Candidate minus reference of each block: log ratios, or differences of the rates."""
        return tuple(after - before for before, after in zip(self.reference, self.candidate, strict=True))

    @property
    def relative(self) -> tuple[float, ...]:
        """Differences as log ratios; of rates, as parts of the mean rate, and none where no launch has a rate."""
        if not self.may_be_zero:
            return self.differences
        usual = fmean([*self.reference, *self.candidate]) if self.reference else 0.0
        return tuple(difference / usual for difference in self.differences) if usual > 0 else ()

    def extend(self, more: PairedLevels) -> PairedLevels:
        """These levels and those of further blocks."""
        return replace(more, reference=(*self.reference, *more.reference), candidate=(*self.candidate, *more.candidate))

    def describe_last(self, unit: str) -> str:
        """The last block: ``+4.2%``, or ``3.50 → 9.20 req/s`` of rates that may be zero."""
        before, after = self.reference[-1], self.candidate[-1]
        return f"{before:.2f} → {after:.2f} {unit}" if self.may_be_zero else f"{math.expm1(after - before):+.1%}"

    def select(self, blocks: Sequence[int]) -> PairedLevels:
        """The levels of some of the blocks, by their places."""
        return replace(
            self,
            reference=tuple(self.reference[block] for block in blocks),
            candidate=tuple(self.candidate[block] for block in blocks),
        )


@dataclass(frozen=True)
class GuardedLevels:
    """The levels of a guarded figure, and its margin."""

    metric: str
    margin: float
    """Largest allowed harm, as a fraction."""
    larger_is_better: bool
    levels: PairedLevels | None
    """``None`` where a round has no such figure above zero: then the guard stays undecided."""


@dataclass(frozen=True)
class GuardDecision:
    """What the blocks say about one guard. Harm is a fraction of the reference; positive is worse."""

    metric: str
    margin: float
    outcome: GuardOutcome
    harm: float | None
    """``None`` where the reference has nothing to lose."""
    interval: tuple[float, float] | None
    """Bounds of the harm; ``None`` for a single block, and where they are infinite."""
    more_blocks_needed: int | None
    """Further blocks that would decide with the same mean and spread; 0 when decided, ``None`` when none would."""

    def describe(self) -> str:
        """``median_tpot_ms +1.2% [-0.5%, +3.0%] worse, at most +5%: held``."""
        harm = "without a figure" if self.harm is None else f"{self.harm:+.1%}"
        span = "" if self.interval is None else f" [{self.interval[0]:+.1%}, {self.interval[1]:+.1%}]"
        worse = "" if self.harm is None else " worse"
        return f"{self.metric} {harm}{span}{worse}, at most {100.0 * self.margin:+g}%: {self.outcome}"


def decide_levels(levels: PairedLevels, alpha: float, floor: float, looks: Sequence[int] | None) -> Decision:
    """Judge the deciding figure by the rule that fits its levels."""
    if levels.may_be_zero:
        return decide_rates(levels.reference, levels.candidate, alpha, floor, looks)
    return decide(levels.differences, alpha, floor, looks)


def judge_guard(guard: GuardedLevels, alpha: float) -> GuardDecision:
    """Judge one guarded figure."""
    if guard.levels is None:
        return GuardDecision(guard.metric, guard.margin, "undecided", None, None, None)
    return (
        _judge_rates(guard, guard.levels, alpha)
        if guard.levels.may_be_zero
        else _judge_logs(guard, guard.levels, alpha)
    )


def hold_to_guards(decision: Decision, guards: Sequence[GuardDecision]) -> Decision:
    """The decision with the guards in it: a broken one makes it ``not_real``, an undecided one a gain ``undecided``."""
    broken = [guard for guard in guards if guard.outcome == "broken"]
    if broken:
        reason = f"guard broken: {broken[0].describe()}"
        return replace(decision, verdict="not_real", reason=reason, more_blocks_needed=0)
    still = [guard for guard in guards if guard.outcome == "undecided"]
    if decision.verdict != "real" or not still:
        return decision
    needed = [guard.more_blocks_needed for guard in still]
    more = None if None in needed else max(count for count in needed if count is not None)
    return replace(
        decision, verdict="undecided", reason=f"guard undecided: {still[0].describe()}", more_blocks_needed=more
    )


def _judge_logs(guard: GuardedLevels, levels: PairedLevels, alpha: float) -> GuardDecision:
    sign = -1.0 if guard.larger_is_better else 1.0
    harms = [sign * difference for difference in levels.differences]
    bound = -math.log1p(-min(guard.margin, 1 - 1e-9)) if guard.larger_is_better else math.log1p(guard.margin)
    mean, n = fmean(harms), len(harms)
    if n < 2:
        return GuardDecision(guard.metric, guard.margin, "undecided", _harm(mean, guard), None, 1)
    bounds = interval(harms, alpha)
    outcome: GuardOutcome = "held" if bounds.upper < bound else "broken" if bounds.lower > bound else "undecided"
    more = count_more_blocks(n, -abs(mean - bound), stdev(harms), alpha, None) if outcome == "undecided" else 0
    span = (_harm(bounds.lower, guard), _harm(bounds.upper, guard))
    return GuardDecision(guard.metric, guard.margin, outcome, _harm(mean, guard), span, more)


def _harm(log: float, guard: GuardedLevels) -> float:
    """A log harm as a fraction of the reference: a loss of a rate, a rise of a latency."""
    log = max(-LARGEST_LOG, min(LARGEST_LOG, log))
    return -math.expm1(-log) if guard.larger_is_better else math.expm1(log)


def _judge_rates(guard: GuardedLevels, levels: PairedLevels, alpha: float) -> GuardDecision:
    n = len(levels.reference)
    before = fmean(levels.reference)
    if before <= 0:
        return GuardDecision(guard.metric, guard.margin, "held", None, None, 0)
    harm = 1.0 - fmean(levels.candidate) / before
    if n < 2:
        return GuardDecision(guard.metric, guard.margin, "undecided", harm, None, 1)
    moments: PairedMoments = find_moments(levels.reference, levels.candidate)
    least_ratio = max(0.0, 1.0 - guard.margin)
    mean, half = moments.mean_at(least_ratio), moments.half_width_at(least_ratio, alpha)
    outcome: GuardOutcome = "held" if mean - half > 0 else "broken" if mean + half < 0 else "undecided"
    more = count_more_blocks(n, -abs(mean), moments.sd_at(least_ratio), alpha, None) if outcome == "undecided" else 0
    low, high = moments.bound_ratio(alpha)
    interval = (1.0 - high, 1.0 - low) if math.isfinite(high) else None
    return GuardDecision(guard.metric, guard.margin, outcome, harm, interval, more)
