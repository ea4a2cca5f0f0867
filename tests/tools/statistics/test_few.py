"""Evidence with too few launches gets the width that it deserves."""

from __future__ import annotations

import math

import pytest

from bankable.tools.statistics.few import Control, decide_few

BASE = [100.0, 100.3, 99.9, 100.1, 99.7]


def scaled(gain: float) -> list[float]:
    return [value * (1 + gain) for value in BASE]


def test_a_gain_of_67_percent_over_small_spread_is_real_on_one_launch() -> None:
    decision = decide_few([BASE], [scaled(0.67)])
    assert decision.verdict == "real"
    assert decision.gain == pytest.approx(0.67)
    assert decision.simple.wins


def test_a_gain_of_1_4_percent_is_undecided_although_the_simple_rule_calls_it_a_win() -> None:
    decision = decide_few([BASE], [scaled(0.014)])
    assert decision.verdict == "undecided"
    assert decision.simple.wins
    assert decision.launch_sd_source == "prior"


def test_the_width_is_the_formula() -> None:
    launches = [[100.0, 101.0, 99.0], [102.0, 103.0, 101.0]]
    decision = decide_few(launches, [scaled(0.1)[:3], scaled(0.1)[:3]])
    s = math.sqrt(2 * (0.02**2 / 2 + decision.round_sd**2 / (2 * 3)))
    assert decision.upper - decision.mean == pytest.approx(1.6448536 * s, rel=1e-6)
    assert decision.mean - decision.lower == pytest.approx(1.6448536 * s, rel=1e-6)


def test_one_round_a_launch_takes_the_launch_sd_for_the_round() -> None:
    decision = decide_few([[100.0]], [[104.0]])
    assert decision.round_sd == decision.launch_sd == 0.02
    assert decision.verdict == "undecided"


def test_a_loss_is_not_real() -> None:
    assert decide_few([BASE], [scaled(-0.10)]).verdict == "not_real"


def test_an_own_control_replaces_the_prior() -> None:
    quiet = decide_few([BASE], [scaled(0.03)], control=Control(block_sd=0.004, blocks=10))
    assert (quiet.launch_sd_source, quiet.verdict) == ("control", "real")
    assert quiet.launch_sd == pytest.approx(0.004 / math.sqrt(2))
    loud = decide_few([BASE], [scaled(0.03)], control=Control(block_sd=0.12, blocks=10))
    assert loud.verdict == "undecided"
    assert decide_few([BASE], [scaled(0.03)], control=Control(block_sd=0.0, blocks=1)).launch_sd_source == "prior"


def test_four_launches_of_a_leg_replace_the_prior() -> None:
    reference = [[100.0, 100.2, 100.1], [101.0, 101.2, 101.1], [99.0, 99.2, 99.1], [100.5, 100.6, 100.7]]
    decision = decide_few(reference, [scaled(0.05)])
    assert decision.launch_sd_source == "launches"
    assert decision.launch_sd == pytest.approx(0.0085, abs=5e-4)
    assert decision.launches == (4, 1)
    assert decide_few(reference[:3], [scaled(0.05)]).launch_sd_source == "prior"


@pytest.mark.parametrize("legs", [([], [[1.0]]), ([[1.0]], []), ([[]], [[1.0]]), ([[0.0]], [[1.0]])])
def test_legs_without_rates_are_refused(legs: tuple[list[list[float]], list[list[float]]]) -> None:
    with pytest.raises(ValueError, match=r"launch|round"):
        decide_few(*legs)
