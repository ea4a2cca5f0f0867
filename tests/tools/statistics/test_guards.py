"""Guards: each figure has an interval of its own, and one that is broken or undecided withholds the gain."""

from __future__ import annotations

import math
import random

import pytest

from bankable.tools.statistics.guards import (
    GuardDecision,
    GuardedLevels,
    PairedLevels,
    decide_levels,
    hold_to_guards,
    judge_guard,
)
from bankable.tools.statistics.paired import decide

NOISE = (0.004, -0.006, 0.001, 0.003, -0.002)
GAIN = decide([0.30, 0.29, 0.31, 0.30, 0.32], 0.024, 0.01, (5, 7, 10))


def logs(change: float, *, noise: tuple[float, ...] = NOISE) -> PairedLevels:
    """Levels whose candidate is ``change`` (fraction) above the reference, give or take the noise."""
    return PairedLevels((2.0,) * len(noise), tuple(2.0 + math.log1p(change) + entry for entry in noise))


def guard(levels: PairedLevels | None, margin: float = 0.05, *, rate: bool = False) -> GuardDecision:
    return judge_guard(GuardedLevels("median_tpot_ms", margin, rate, levels), 0.024)


@pytest.mark.parametrize(
    ("change", "outcome"), [(-0.10, "held"), (0.02, "held"), (0.05, "undecided"), (0.12, "broken")]
)
def test_a_latency_may_rise_by_the_margin(change: float, outcome: str) -> None:
    decision = guard(logs(change))
    assert decision.outcome == outcome
    assert decision.harm == pytest.approx(change, abs=0.002)
    assert decision.interval is not None
    assert decision.harm is not None
    assert decision.interval[0] < decision.harm < decision.interval[1]


@pytest.mark.parametrize(
    ("change", "outcome"), [(0.20, "held"), (-0.02, "held"), (-0.05, "undecided"), (-0.12, "broken")]
)
def test_a_rate_may_fall_by_the_margin(change: float, outcome: str) -> None:
    decision = guard(logs(change), rate=True)
    assert (decision.outcome, decision.harm) == (outcome, pytest.approx(-change, abs=0.002))


def test_an_undecided_guard_says_how_many_more_blocks_would_do() -> None:
    decision = guard(logs(0.04, noise=(0.04, -0.06, 0.01, 0.03, -0.02)))
    assert decision.outcome == "undecided"
    assert decision.more_blocks_needed is not None
    assert decision.more_blocks_needed > 5


def test_a_rate_that_may_be_zero_is_guarded_without_logarithms() -> None:
    levels = PairedLevels((3.0, 3.1, 2.9, 3.0, 3.2), (2.95, 3.1, 2.9, 3.0, 3.15), may_be_zero=True)
    assert guard(levels, rate=True).outcome == "held"
    lost = PairedLevels((3.0, 3.1, 2.9, 3.0, 3.2), (0.0,) * 5, may_be_zero=True)
    decision = guard(lost, rate=True)
    assert (decision.outcome, decision.harm) == ("broken", 1.0)
    nothing = PairedLevels((0.0,) * 5, (0.0, 1.0, 0.0, 2.0, 0.0), may_be_zero=True)
    assert guard(nothing, rate=True) == GuardDecision("median_tpot_ms", 0.05, "held", None, None, 0)


def test_a_figure_that_is_not_there_and_a_single_block_decide_nothing() -> None:
    assert guard(None).outcome == "undecided"
    assert guard(logs(-0.2, noise=(0.0,))).outcome == "undecided"


def test_every_guard_has_to_hold_for_a_gain() -> None:
    held, broken, still = guard(logs(0.0)), guard(logs(0.2)), guard(logs(0.05))
    assert hold_to_guards(GAIN, [held, held]) == GAIN
    assert hold_to_guards(GAIN, [held, broken]).verdict == "not_real"
    assert "median_tpot_ms" in hold_to_guards(GAIN, [held, broken]).reason
    assert hold_to_guards(GAIN, [held, still]).verdict == "undecided"


def test_an_undecided_guard_adds_nothing_to_a_gain_that_is_none() -> None:
    none = decide([-0.3, -0.29, -0.31, -0.30, -0.32], 0.024, 0.01, (5, 7, 10))
    assert hold_to_guards(none, [guard(logs(0.05))]) == none


def test_a_guard_at_its_margin_is_called_held_no_more_often_than_its_level() -> None:
    """True harm equal to the margin: 'held' is the mistake."""
    rng = random.Random(3)
    held = 0
    for _ in range(2000):
        noise = tuple(rng.gauss(0.0, 0.03) for _ in range(6))
        held += guard(logs(0.05, noise=noise)).outcome == "held"
    assert held / 2000 < 0.024 + 3 * math.sqrt(0.024 / 2000)


def test_relative_differences_are_shares_of_the_mean_rate() -> None:
    rates = PairedLevels((2.0, 4.0), (3.0, 3.0), may_be_zero=True)
    assert rates.relative == (1 / 3, -1 / 3)
    assert PairedLevels((0.0,), (0.0,), may_be_zero=True).relative == ()
    assert PairedLevels((1.0,), (1.5,)).relative == (0.5,)


def test_levels_choose_the_rule_that_fits_them() -> None:
    rates = PairedLevels((0.0,) * 5, (1.0, 1.1, 0.9, 1.0, 1.2), may_be_zero=True)
    assert decide_levels(rates, 0.024, 0.01, (5, 7, 10)).has_ratio is False
    assert decide_levels(logs(0.3), 0.024, 0.01, (5, 7, 10)) == decide(logs(0.3).differences, 0.024, 0.01, (5, 7, 10))
