"""The simple rule says what people expect of it, and where it is empty."""

from __future__ import annotations

import pytest

from bankable.tools.statistics.simple import simple_rule


def test_above_the_band_and_separated_wins() -> None:
    rule = simple_rule([100.0, 101.0, 99.0], [103.0, 104.0, 102.0])
    assert rule.delta == pytest.approx(0.03)
    assert (rule.separated, rule.vacuous, rule.wins) == (True, False, True)


def test_overlap_does_not_win() -> None:
    assert not simple_rule([100.0, 101.0, 104.0], [103.0, 105.0, 102.0]).wins


def test_a_gain_inside_the_band_does_not_win() -> None:
    assert not simple_rule([100.0, 100.1], [100.3, 100.4]).wins
    assert simple_rule([100.0, 100.1], [100.3, 100.4], band=0.002).wins


def test_separation_of_single_rounds_is_vacuous() -> None:
    assert simple_rule([100.0], [110.0]).vacuous


@pytest.mark.parametrize("legs", [([], [1.0]), ([1.0], []), ([0.0], [1.0])])
def test_legs_without_rates_are_refused(legs: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match="positive"):
        simple_rule(*legs)
