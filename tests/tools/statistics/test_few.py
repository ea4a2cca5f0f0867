"""Evidence with few launches: what is real, how wide the bounds are, and what they rest on."""

from __future__ import annotations

import math
from statistics import fmean, variance

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bankable.tools.statistics.few import Control, critical_value, decide_few, half_width

ROUNDS = [100.0, 100.3, 99.9, 100.1, 99.7]
FLOOR = math.log1p(0.01)


def launches(levels: list[float]) -> list[list[float]]:
    """One round a launch, of exp(level)."""
    return [[math.exp(level)] for level in levels]


def scaled(gain: float) -> list[float]:
    return [value * (1 + gain) for value in ROUNDS]


def test_one_launch_a_side_is_never_real() -> None:
    for gain in (0.08, 0.67, 9.0):
        decision = decide_few([ROUNDS], [scaled(gain)])
        assert decision.verdict == "undecided"
        assert decision.simple.wins
        assert decision.gain == pytest.approx(gain)
        assert decision.lacks_launches
    assert "one launch a side proves no gain" in decision.reason
    small = decide_few([ROUNDS], [scaled(0.014)])
    assert (small.verdict, small.lacks_launches) == ("undecided", False)
    assert decide_few([ROUNDS] * 10, [scaled(9.0)]).verdict == "undecided"


def test_one_launch_a_side_says_that_its_noise_is_assumed() -> None:
    decision = decide_few([ROUNDS], [scaled(0.05)])
    assert (decision.launch_sd, decision.launch_sd_source) == (0.02, "prior")
    assert decision.upper - decision.mean == pytest.approx(stats.norm.ppf(0.95) * 0.02 * math.sqrt(2))
    assert decision.assumed == "a launch sd of 2.0%, since no side has two launches"


def test_three_quiet_launches_a_side_prove_five_percent() -> None:
    reference = launches([0.0, 0.004, -0.003])
    decision = decide_few(reference, launches([0.05, 0.054, 0.049]))
    assert decision.verdict == "real"
    assert decision.launch_sd_source == "launches"
    assert decision.launch_sd == pytest.approx(math.sqrt((variance([0, 4, -3]) + variance([50, 54, 49])) / 2) / 1000)
    assert "prior" not in decision.assumed
    assert "one further observation" not in decision.assumed


def test_the_spread_that_was_seen_is_not_thrown_away() -> None:
    """Two and three launches a side that scatter by 10 % and show a gain of 10 %."""
    for count in (2, 3):
        levels = [0.1 * (-1) ** i for i in range(count)]
        decision = decide_few(launches(levels), launches([level + 0.1 for level in levels]))
        assert decision.verdict == "undecided"
        assert decision.launch_sd > 0.1
        assert decision.upper - decision.mean > 0.2


def test_two_launches_that_agree_by_luck_do_not_make_a_quiet_machine() -> None:
    decision = decide_few(launches([0.0, 0.0]), launches([0.04, 0.04]))
    assert decision.verdict == "undecided"
    assert "2.0% as one further observation" in decision.assumed
    assert decide_few(launches([0.0, 0.0]), launches([0.2, 0.2])).verdict == "real"


def test_the_width_is_the_formula() -> None:
    reference, candidate = [0.0, 0.01, -0.02, 0.015, 0.003], [0.05, 0.06, 0.04, 0.062]
    decision = decide_few(launches(reference), launches(candidate))
    pooled = (4 * variance(reference) + 3 * variance(candidate)) / 7
    half = critical_value(7, math.sqrt(1 / 5 + 1 / 4)) * math.sqrt(pooled * (1 / 5 + 1 / 4))
    assert decision.mean == pytest.approx(fmean(candidate) - fmean(reference))
    assert (decision.lower, decision.upper) == pytest.approx((decision.mean - half, decision.mean + half))
    assert decision.launches == (5, 4)


@pytest.mark.parametrize("count", [2, 3, 4, 6, 10])
def test_the_critical_value_bounds_null_changes(count: int) -> None:
    freedom, scale = 2 * count - 2, math.sqrt(2 / count)
    critical = critical_value(freedom, scale)
    assert stats.nct.sf(critical, freedom, -FLOOR / (0.06 * scale)) == pytest.approx(0.009, abs=1e-5)
    assert stats.nct.sf(critical, freedom, -FLOOR / (0.10 * scale)) < 0.02
    assert 0.009 < stats.t.sf(critical, freedom) < 0.05


def test_many_launches_meet_the_level_at_the_floor() -> None:
    assert critical_value(198, math.sqrt(2 / 100)) == pytest.approx(stats.t.ppf(0.95, 198))
    assert decide_few(launches([0.0] * 100), launches([0.1] * 100)).level == pytest.approx(0.05)


def test_round_noise_is_counted_once() -> None:
    """The same launch levels give the same bounds, however rounds scatter around them."""
    levels = [100.0, 101.0, 99.0, 100.5]
    tight = [[level * 0.999, level, level * 1.001] for level in levels]
    loose = [[level * 0.9, level, level * 1.1] for level in levels]
    gains = [[value * 1.05 for value in rounds] for rounds in tight]
    assert decide_few(tight, gains).lower == pytest.approx(decide_few(loose, gains).lower)
    assert decide_few(loose, loose).round_sd == pytest.approx(0.1, abs=0.003)
    assert decide_few([[100.0]], [[104.0]]).round_sd is None


def test_a_cold_first_round_is_not_half_of_the_evidence() -> None:
    warm = [[100.0, 100.1], [101.0, 100.9], [99.0, 99.2]]
    cold = [[70.0, rounds[1]] for rounds in warm]
    assert decide_few(cold, warm).mean == pytest.approx(0.0, abs=1e-12)
    assert decide_few(warm, cold).mean == pytest.approx(0.0, abs=1e-12)
    assert decide_few(cold, warm).verdict != "real"
    assert decide_few([[70.0, 100.0, 100.0]], [[100.0, 100.0, 100.0]]).mean == pytest.approx(0.0)


def test_one_slow_first_round_among_launches_counts_as_spread() -> None:
    decision = decide_few([[90.0, 100.0], [100.0, 99.0], [99.0, 100.0]], [[100.0, 100.0]] * 3)
    assert decision.mean == pytest.approx(-(math.log(0.9) + 2 * math.log(0.99)) / 6)
    assert decision.verdict == "undecided"


def test_a_loss_is_not_real() -> None:
    quiet = launches([0.0, 0.004, -0.003])
    assert decide_few(quiet, launches([-0.10, -0.104, -0.097])).verdict == "not_real"


def test_a_control_is_pooled_with_the_launches() -> None:
    control = Control(block_sd=0.004, blocks=10)
    decision = decide_few(launches([0.0, 0.001]), launches([0.03, 0.031]), control=control)
    assert (decision.verdict, decision.launch_sd_source) == ("real", "launches and control")
    assert decision.launch_sd == pytest.approx(math.sqrt((2 * 0.001**2 / 2 + 9 * 0.004**2 / 2) / 11))
    noisy = decide_few(launches([0.0, 0.001]), launches([0.03, 0.031]), control=Control(block_sd=0.12, blocks=10))
    assert noisy.verdict == "undecided"
    alone = decide_few([ROUNDS], [scaled(0.3)], control=control)
    assert (alone.verdict, alone.launch_sd_source) == ("undecided", "control")
    assert decide_few([ROUNDS], [scaled(0.03)], control=Control(block_sd=0.0, blocks=1)).launch_sd_source == "prior"


@given(
    variances=st.tuples(st.floats(0.0, 0.1), st.floats(0.0, 0.1)),
    counts=st.tuples(st.integers(1, 10), st.integers(1, 10)),
)
def test_more_spread_never_narrows_the_bounds(variances: tuple[float, float], counts: tuple[int, int]) -> None:
    low, high = sorted(variances)
    freedom = sum(counts) - 2
    assert half_width(low, freedom, counts) <= half_width(high, freedom, counts) + 1e-15


@given(
    base=st.lists(st.floats(-0.1, 0.1), min_size=4, max_size=10),
    gain=st.floats(-0.05, 0.3),
    factor=st.floats(1.0, 5.0),
)
def test_stretching_the_launches_never_makes_a_gain_real(base: list[float], gain: float, factor: float) -> None:
    half = len(base) // 2
    sides = [[level - fmean(side) for level in side] for side in (base[:half], base[half:])]

    def decide(stretch: float) -> str:
        reference, candidate = ([level * stretch for level in side] for side in sides)
        return decide_few(launches(reference), launches([level + gain for level in candidate])).verdict

    if decide(1.0) != "real":
        assert decide(factor) != "real"


@given(
    reference=st.lists(st.lists(st.floats(1.0, 1e4), min_size=1, max_size=4), min_size=1, max_size=5),
    candidate=st.lists(st.lists(st.floats(1.0, 1e4), min_size=1, max_size=4), min_size=1, max_size=5),
)
def test_the_estimate_lies_in_its_interval(reference: list[list[float]], candidate: list[list[float]]) -> None:
    decision = decide_few(reference, candidate)
    assert decision.gain_interval[0] <= decision.gain <= decision.gain_interval[1]


@pytest.mark.parametrize("count", [2, 3, 5, 10])
@pytest.mark.parametrize("launch_sd", [0.01, 0.05, 0.10])
def test_error_rates_hold_in_a_small_simulation(count: int, launch_sd: float) -> None:
    """4,000 comparisons through the public function: bounds are the promised rates plus four standard errors."""
    trials = 4000
    noise = np.random.default_rng(7).normal(0.0, launch_sd, (trials, 2, count))
    for gain, limit in ((0.0, 0.01 if launch_sd < 0.06 else 0.025), (0.01, 0.05)):
        real = sum(
            decide_few(launches(list(reference)), launches(list(candidate + math.log1p(gain)))).verdict == "real"
            for reference, candidate in noise
        )
        assert real / trials <= limit + 4 * math.sqrt(limit * (1 - limit) / trials)


def test_power_holds_in_a_small_simulation() -> None:
    """Five launches a side, launch sd 2 %: a gain of 5 % is found in about seven of ten comparisons."""
    noise = np.random.default_rng(8).normal(0.0, 0.02, (2000, 2, 5))
    real = sum(decide_few(launches(list(a)), launches(list(b + math.log1p(0.05)))).verdict == "real" for a, b in noise)
    assert 0.66 < real / 2000 < 0.76


@pytest.mark.parametrize("legs", [([], [[1.0]]), ([[1.0]], []), ([[]], [[1.0]]), ([[0.0]], [[1.0]])])
def test_legs_without_rates_are_refused(legs: tuple[list[list[float]], list[list[float]]]) -> None:
    with pytest.raises(ValueError, match=r"launch|round"):
        decide_few(*legs)
