"""Student's t against scipy, over the range that verdicts use and far beyond it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bankable.tools.statistics.student import normal_cdf, t_quantile, t_sf

DEGREES = st.one_of(st.integers(1, 2_000).map(float), st.floats(1.0, 1e7))


@given(t=st.floats(-1e6, 1e6), df=DEGREES)
def test_both_tails_agree_with_scipy(t: float, df: float) -> None:
    assert t_sf(t, df) == pytest.approx(stats.t.sf(t, df), rel=1e-8, abs=1e-12)


@given(t=st.floats(0.0, 50.0), df=DEGREES)
def test_tail_keeps_its_relative_precision(t: float, df: float) -> None:
    assert t_sf(t, df) == pytest.approx(stats.t.sf(t, df), rel=1e-8, abs=1e-280)


@given(p=st.floats(1e-6, 1 - 1e-6), df=DEGREES)
def test_quantile_agrees_with_scipy(p: float, df: float) -> None:
    assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-8, abs=1e-9)


@given(p=st.floats(0.001, 0.999), df=st.integers(1, 200))
def test_quantile_inverts_the_tail(p: float, df: int) -> None:
    assert t_sf(t_quantile(p, df), df) == pytest.approx(1.0 - p, abs=1e-12)


@pytest.mark.parametrize(("n", "factor"), [(2, 6.313752), (3, 2.919986), (6, 2.015048), (10, 1.833113)])
def test_factors_of_a_95_percent_bound_are_the_tabulated_ones(n: int, factor: float) -> None:
    assert t_quantile(0.95, n - 1) == pytest.approx(factor, abs=1e-6)


def test_infinite_degrees_are_the_normal_distribution() -> None:
    assert t_quantile(0.95, math.inf) == pytest.approx(1.6448536269514722, abs=1e-12)
    assert normal_cdf(1.0) == pytest.approx(stats.norm.cdf(1.0), abs=1e-15)


def test_extreme_arguments_stay_probabilities() -> None:
    assert t_sf(math.inf, 3) == 0.0
    assert t_sf(-math.inf, 3) == 1.0
    assert t_sf(-1e200, 1) == 1.0
    assert t_quantile(0.5, 4) == 0.0


@pytest.mark.parametrize(("p", "df"), [(0.0, 5), (1.0, 5), (math.nan, 5), (0.9, 0), (0.9, -1), (0.9, math.nan)])
def test_impossible_arguments_are_refused(p: float, df: float) -> None:
    with pytest.raises(ValueError, match=r"quantile|degrees"):
        t_quantile(p, df)
