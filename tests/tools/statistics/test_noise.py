"""Spread, drift and what a comparison can hope to see."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bankable.tools.statistics.noise import drift, minimal_detectable_effect, noncentral_t_tail, power, spread


@given(st.floats(0.0, 5.0), st.integers(2, 60), st.sampled_from([0.05, 0.024]))
def test_power_agrees_with_the_noncentral_t_of_scipy(effect: float, n: int, alpha: float) -> None:
    expected = stats.nct.sf(stats.t.ppf(1 - alpha, n - 1), n - 1, effect * math.sqrt(n))
    assert power(effect, 1.0, n, alpha) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize(("n", "factor"), [(6, 1.19), (10, 0.85)])
def test_the_published_factors(n: int, factor: float) -> None:
    assert minimal_detectable_effect(1.0, n) == pytest.approx(factor, abs=0.005)
    assert minimal_detectable_effect(0.032, n) == pytest.approx(0.032 * factor, rel=0.005)


@pytest.mark.parametrize("n", [2, 6, 15])
def test_a_detectable_effect_is_detected_with_the_wanted_chance(n: int) -> None:
    assert power(minimal_detectable_effect(0.02, n, 0.05, 0.9), 0.02, n) == pytest.approx(0.9, abs=1e-5)


def test_the_level_is_the_power_without_effect() -> None:
    assert power(0.0, 0.03, 6) == pytest.approx(0.05, abs=1e-6)


@given(st.floats(0.1, 30.0), st.integers(1, 60), st.floats(-3.0, 3.0))
def test_the_noncentral_tail_agrees_with_scipy(t: float, df: int, shift: float) -> None:
    assert noncentral_t_tail(t, df, shift) == pytest.approx(stats.nct.sf(t, df, shift), abs=5e-5)


def test_a_comparison_without_noise_or_without_blocks() -> None:
    assert power(0.01, 0.0, 6) == 1.0
    assert power(0.0, 0.0, 6) == 0.0
    assert minimal_detectable_effect(0.01, 1) == math.inf
    with pytest.raises(ValueError, match="two blocks"):
        power(0.1, 0.1, 1)


def test_spread_of_a_broken_leg() -> None:
    assert spread([113.98, 43.45, 113.92]) == pytest.approx(0.62, abs=0.005)
    assert spread([966.36, 1004.05, 1004.71]) == pytest.approx(0.0382, abs=5e-5)
    assert spread([5.0]) == 0.0


def test_drift_is_the_change_from_first_to_last() -> None:
    assert drift([100.0, 99.0, 98.0, 97.0, 96.0]) == pytest.approx(-4 / 98)
    assert drift([100.0]) == 0.0


def test_one_outlier_makes_no_drift() -> None:
    assert abs(drift([100.0, 100.1, 99.9, 100.0, 100.1, 99.9, 40.0])) < 0.01


@pytest.mark.parametrize("measure", [spread, drift])
def test_values_that_are_no_rates_are_refused(measure: object) -> None:
    assert callable(measure)
    with pytest.raises(ValueError, match="positive"):
        measure([0.0, 0.0])
