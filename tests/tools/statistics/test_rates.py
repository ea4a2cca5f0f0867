"""Rates that may be zero are compared without logarithms, and a percentage needs a reference that has a rate."""

from __future__ import annotations

import math
import random

import pytest

from bankable.tools.statistics.rates import decide_rates, find_moments
from bankable.tools.statistics.student import t_quantile

LOOKS = (5, 7, 10)
STEADY = [3.0, 3.1, 2.9, 3.0, 3.2]


def test_a_clear_gain_has_a_percentage_with_bounds() -> None:
    decision = decide_rates(STEADY, [4.0, 4.2, 3.9, 4.1, 4.2], 0.024, 0.01, LOOKS)
    assert decision.verdict == "real"
    assert decision.has_ratio
    assert decision.gain == pytest.approx(4.08 / 3.04 - 1.0)
    low, high = decision.gain_interval
    assert 0.30 < low < decision.gain < high < 0.38
    assert decision.describe() == "+34.2% [+31.6%, +37.0%]"


def test_a_reference_without_any_rate_gives_a_difference_and_no_percentage() -> None:
    decision = decide_rates([0.0] * 5, [9.0, 9.5, 8.8, 9.1, 9.3], 0.024, 0.01, LOOKS)
    assert decision.verdict == "real"
    assert not decision.has_ratio
    assert decision.difference_interval is not None
    assert decision.difference_interval[0] > 8.7
    assert decision.describe() == "0.00 → 9.14 req/s, +9.14 [+8.80, +9.48] req/s"


def test_a_reference_that_is_zero_but_for_one_launch_has_no_percentage_either() -> None:
    decision = decide_rates([0.0, 0.0, 0.1, 0.0, 0.0], [9.0, 9.5, 8.8, 9.1, 9.3], 0.024, 0.01, LOOKS)
    assert decision.verdict == "real"
    assert math.isinf(decision.upper)
    assert not decision.has_ratio
    assert decision.lower > math.log(20)  # at least twenty times as much is proven all the same


def test_nothing_against_nothing_is_undecided_and_no_block_would_help() -> None:
    decision = decide_rates([0.0] * 5, [0.0] * 5, 0.024, 0.01, LOOKS)
    assert (decision.verdict, decision.more_blocks_needed) == ("undecided", None)
    assert decision.mean == 0.0


def test_one_lucky_launch_is_no_gain() -> None:
    assert decide_rates([0.0] * 5, [0.0, 0.0, 0.0, 0.0, 9.0], 0.024, 0.01, LOOKS).verdict == "undecided"


def test_losing_every_good_request_is_not_real() -> None:
    decision = decide_rates(STEADY, [0.0] * 5, 0.024, 0.01, LOOKS)
    assert decision.verdict == "not_real"
    assert decision.describe() == "3.04 → 0.00 req/s, -3.04 [-3.18, -2.90] req/s"


def test_four_blocks_and_undeclared_counts_cannot_win() -> None:
    candidate = [9.0, 9.5, 8.8, 9.1, 9.3, 9.0]
    assert decide_rates([0.0] * 4, candidate[:4], 0.05, 0.01, (4,)).verdict == "undecided"
    assert decide_rates([0.0] * 6, candidate, 0.024, 0.01, LOOKS).verdict == "undecided"
    assert decide_rates([0.0] * 6, candidate, 0.05, 0.01, (6,)).verdict == "real"


def test_one_block_says_nothing() -> None:
    decision = decide_rates([3.0], [9.0], 0.024, 0.01, LOOKS)
    assert (decision.verdict, decision.difference_interval, decision.has_ratio) == ("undecided", None, False)


@pytest.mark.parametrize("seed", range(5))
def test_the_bounds_are_where_the_test_of_a_ratio_turns(seed: int) -> None:
    """Fieller: at L and U the mean of z is exactly a half-width away from 0."""
    rng = random.Random(seed)
    reference = [rng.uniform(2.0, 4.0) for _ in range(7)]
    candidate = [rng.uniform(2.0, 6.0) for _ in range(7)]
    moments = find_moments(reference, candidate)
    low, high = moments.bound_ratio(0.024)
    assert moments.mean_at(low) == pytest.approx(moments.half_width_at(low, 0.024))
    assert moments.mean_at(high) == pytest.approx(-moments.half_width_at(high, 0.024))
    assert low < moments.y / moments.x < high


def test_the_lower_end_of_an_unbounded_set_is_where_the_test_turns_too() -> None:
    moments = find_moments([0.0, 0.0, 0.4, 0.0, 0.0], [9.0, 9.5, 8.8, 9.1, 9.3])
    low, high = moments.bound_ratio(0.024)
    assert math.isinf(high)
    assert moments.mean_at(low) == pytest.approx(moments.half_width_at(low, 0.024))


def test_real_means_that_the_lower_bound_of_the_ratio_is_above_the_floor() -> None:
    rng = random.Random(1)
    for _ in range(200):
        reference = [rng.gauss(3.0, 0.3) for _ in range(6)]
        candidate = [rng.gauss(3.4, 0.3) for _ in range(6)]
        decision = decide_rates(reference, candidate, 0.05, 0.01, (6,))
        above = decision.lower > math.log1p(0.01)
        assert (decision.verdict == "real") == (above and decision.sign_flip_p <= 0.05)
        assert (decision.verdict == "not_real") == (decision.upper < math.log1p(0.01))


def test_the_excess_carries_the_p_of_the_floor() -> None:
    decision = decide_rates(STEADY, [3.2, 3.3, 3.0, 3.3, 3.5], 0.024, 0.01, LOOKS)
    assert decision.excess_sd is not None
    t = decision.excess * math.sqrt(5) / decision.excess_sd
    assert (t > t_quantile(1.0 - 0.024, 4)) == (decision.lower > math.log1p(0.01))


@pytest.mark.parametrize(("reference", "candidate"), [([], []), ([1.0], []), ([-1.0], [1.0]), ([math.nan], [1.0])])
def test_what_is_no_rate_is_refused(reference: list[float], candidate: list[float]) -> None:
    with pytest.raises(ValueError, match="rate"):
        decide_rates(reference, candidate)
