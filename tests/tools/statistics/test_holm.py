"""Holm's procedure on worked figures and by its properties."""

from __future__ import annotations

import math
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.statistics.holm import confirmation_p, holm
from bankable.tools.statistics.paired import interval

P_VALUES = st.lists(st.floats(0.0, 1.0), max_size=12)


def test_a_worked_example() -> None:
    result = holm([0.01, 0.04, 0.03, 0.005])
    assert result.adjusted == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert result.rejected == (True, False, False, True)


def test_a_failed_step_withholds_everything_after_it() -> None:
    assert holm([0.03, 0.03, 0.03]).rejected == (False, False, False)
    assert holm([0.03]).rejected == (True,)


@given(P_VALUES)
def test_holm_lies_between_no_correction_and_bonferroni(p_values: list[float]) -> None:
    for p, adjusted in zip(p_values, holm(p_values).adjusted, strict=True):
        assert p <= adjusted <= min(1.0, len(p_values) * p) or adjusted == 1.0


@given(P_VALUES.flatmap(lambda ps: st.tuples(st.just(ps), st.permutations(range(len(ps))))))
def test_the_order_of_the_confirmations_does_not_matter(case: tuple[list[float], list[int]]) -> None:
    p_values, order = case
    shuffled = holm([p_values[i] for i in order]).adjusted
    assert shuffled == tuple(holm(p_values).adjusted[i] for i in order)


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_a_number_that_is_no_p_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.01, bad])


@given(
    st.lists(st.floats(-0.2, 0.3), min_size=5, max_size=10),
    st.sampled_from([0.05, 0.024, 0.01]),
    st.sampled_from([0.0, 0.01, 0.05]),
)
def test_a_confirmation_is_a_win_exactly_when_its_p_is_at_most_five_per_cent(
    differences: list[float], alpha: float, floor: float
) -> None:
    sd = stdev(differences)
    p = confirmation_p(fmean(differences), sd, len(differences), alpha, floor)
    if sd > 1e-9:
        above = interval(differences, alpha).lower - math.log1p(floor)
        if abs(above) > 1e-9:
            assert (p < 0.05) == (above > 0)


def test_a_confirmation_without_spread_is_certain() -> None:
    assert confirmation_p(0.1, 0.0, 6, 0.05, 0.01) == 0.0
    assert confirmation_p(0.0, 0.0, 6, 0.05, 0.01) == 1.0
    for bad in ((1, 0.05, 0.1), (6, 0.0, 0.1), (6, 0.05, -0.1)):
        with pytest.raises(ValueError, match="no p of"):
            confirmation_p(0.1, bad[2], bad[0], bad[1], 0.01)
