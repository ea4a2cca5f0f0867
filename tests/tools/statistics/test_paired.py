"""The verdict on block differences: each clause of the rule turns it when only that clause changes."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from bankable.tools.statistics.paired import Bounds, block_difference, can_win, decide, interval, launch_level

CLEAR = [0.030, 0.028, 0.031, 0.030, 0.029, 0.033]
DELTA_0 = math.log(1.01)


def test_a_launch_is_the_median_of_the_logs_of_its_rounds() -> None:
    assert launch_level([100.0, 400.0, 110.0]) == pytest.approx(math.log(110.0))
    assert launch_level([100.0, 400.0]) == pytest.approx(math.log(200.0))


def test_a_block_difference_is_candidate_minus_reference() -> None:
    assert block_difference([100, 101, 99], [110, 111, 109]) == pytest.approx(math.log(1.1))


@pytest.mark.parametrize("rounds", [[], [0.0], [-1.0, 5.0], [math.nan], [math.inf]])
def test_a_metric_that_has_no_logarithm_is_refused(rounds: list[float]) -> None:
    with pytest.raises(ValueError, match=r"round"):
        launch_level(rounds)


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=12), st.sampled_from([0.05, 0.024]))
def test_bounds_agree_with_scipy(differences: list[float], alpha: float) -> None:
    assume(max(differences) - min(differences) > 1e-6)
    low, high = stats.t.interval(
        1 - 2 * alpha, len(differences) - 1, loc=sum(differences) / len(differences), scale=stats.sem(differences)
    )
    bounds = interval(differences, alpha)
    assert bounds.lower == pytest.approx(low, rel=1e-7, abs=1e-9)
    assert bounds.upper == pytest.approx(high, rel=1e-7, abs=1e-9)


def test_six_clear_blocks_are_real() -> None:
    decision = decide(CLEAR)
    assert decision.verdict == "real"
    assert decision.n == 6
    assert decision.sign_flip_p == 1 / 64
    assert decision.lower > DELTA_0
    assert decision.more_blocks_needed == 0
    assert decision.gain == pytest.approx(math.exp(sum(CLEAR) / 6) - 1)
    assert decision.gain_interval[0] < decision.gain < decision.gain_interval[1]


@given(st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=4), st.floats(0.0, 0.1))
def test_up_to_four_blocks_never_prove_a_win(differences: list[float], floor: float) -> None:
    assert decide(differences, 0.05, floor).verdict != "real"
    assert decide(differences, 0.05, floor, looks=(1, 2, 3, 4, 5)).verdict != "real"


def test_three_blocks_of_a_huge_gain_are_undecided_and_three_more_would_do() -> None:
    decision = decide([0.50, 0.51, 0.49])
    assert (decision.verdict, decision.sign_flip_p, decision.more_blocks_needed) == ("undecided", 0.125, 3)


def test_five_blocks_win_only_at_a_declared_look() -> None:
    assert decide(CLEAR[:5], 0.024).verdict == "undecided"
    assert decide(CLEAR[:5], 0.024, looks=(5, 7, 10)).verdict == "real"
    assert decide(CLEAR[:5], 0.05, looks=(5,)).verdict == "undecided"
    assert decide(CLEAR, 0.024, looks=(5, 7, 10)).verdict == "undecided"


def test_the_sign_flip_test_can_withhold_what_the_bound_grants() -> None:
    # Two blocks below zero, the bound is still positive: 0.05 < p although t says less.
    differences = [0.002, 0.001, -0.0015, 0.003, -0.0001, 0.0024]
    decision = decide(differences, 0.1, 0.0)
    assert decision.lower > 0
    assert decision.sign_flip_p > 0.05
    assert decision.verdict == "undecided"
    assert "sign-flip" in decision.reason


def test_a_gain_below_the_floor_is_not_real() -> None:
    decision = decide([0.001, 0.002, 0.000, 0.001, 0.0015, 0.0005])
    assert decision.verdict == "not_real"
    assert decision.upper < DELTA_0


def test_the_floor_moves_the_verdict() -> None:
    assert decide(CLEAR, floor=0.01).verdict == "real"
    assert decide(CLEAR, floor=0.03).verdict == "undecided"
    assert decide(CLEAR, floor=0.05).verdict == "not_real"


def test_equal_differences_at_the_floor_stay_undecided() -> None:
    decision = decide([0.0] * 6, floor=0.0)
    assert (decision.verdict, decision.more_blocks_needed) == ("undecided", None)


def test_one_block_says_nothing() -> None:
    decision = decide([0.3])
    assert (decision.verdict, decision.sd, decision.more_blocks_needed) == ("undecided", None, 5)
    assert (decision.lower, decision.upper) == (-math.inf, math.inf)
    assert decide([0.3], looks=(5, 7, 10)).more_blocks_needed == 4


@settings(max_examples=40)
@given(st.lists(st.floats(-0.1, 0.1), min_size=2, max_size=9))
def test_more_blocks_is_the_fewest_that_decide_at_the_same_mean_and_sd(differences: list[float]) -> None:
    decision = decide(differences)
    assume(decision.verdict == "undecided" and decision.more_blocks_needed is not None)
    assert decision.sd is not None
    assert decision.more_blocks_needed is not None

    def decided(total: int) -> bool:
        assert decision.sd is not None
        half = stats.t.ppf(0.95, total - 1) * decision.sd / math.sqrt(total)
        if decision.mean < DELTA_0:
            return bool(decision.mean + half < DELTA_0)
        return total >= 6 and bool(decision.mean - half > DELTA_0)

    total = decision.n + decision.more_blocks_needed
    assert decided(total)
    assert not any(decided(fewer) for fewer in range(decision.n + 1, total))


def test_with_looks_the_next_count_that_can_win_is_a_look() -> None:
    noisy = [0.06, 0.00, 0.05, 0.02, 0.05]
    more = decide(noisy, 0.024, looks=(5, 7, 10)).more_blocks_needed
    assert more is not None
    assert 5 + more in (7, 10) or 5 + more > 10


@given(st.lists(st.floats(-0.3, 0.3), min_size=2, max_size=12), st.floats(0.001, 0.05))
def test_verdict_follows_from_the_published_figures(differences: list[float], floor: float) -> None:
    decision = decide(differences, 0.05, floor)
    expected = "undecided"
    if decision.upper < math.log1p(floor):
        expected = "not_real"
    elif decision.lower > math.log1p(floor) and decision.n >= 6 and decision.sign_flip_p <= 0.05:
        expected = "real"
    assert decision.verdict == expected


@pytest.mark.parametrize(
    ("n", "looks", "able"),
    [
        (6, None, True),
        (5, None, False),
        (5, (5, 7), True),
        (4, (4, 7), False),
        (6, (5, 7), False),
        (8, (8,), True),
    ],
)
def test_which_counts_can_win(n: int, looks: tuple[int, ...] | None, able: bool) -> None:
    assert can_win(n, looks) is able


def test_a_control_covers_zero() -> None:
    assert interval([0.029, -0.005, -0.002, 0.063]).covers(0.0)
    assert not Bounds(0.001, 0.01).covers(0.0)


@pytest.mark.parametrize("bad", [[], [math.nan] * 6, [math.inf, 0.1]])
def test_no_or_broken_differences_are_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        decide(bad)


def test_a_negative_floor_or_an_inverted_level_is_refused() -> None:
    with pytest.raises(ValueError, match="floor"):
        decide(CLEAR, floor=-0.1)
    with pytest.raises(ValueError, match="alpha"):
        decide(CLEAR, alpha=0.9)
