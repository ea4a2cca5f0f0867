"""Far points are marked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.statistics.outliers import outlier_marks, robust_sd


def test_a_faulted_repeat_is_marked() -> None:
    assert outlier_marks([2405.0, 2410.0, 1541.0, 2408.0, 2399.0]) == (False, False, True, False, False)


def test_three_points_suffice_to_mark_the_one_that_broke() -> None:
    assert outlier_marks([113.98, 43.45, 113.92]) == (False, True, False)


def test_two_points_cannot_say_which_is_wrong() -> None:
    assert outlier_marks([100.0, 10.0]) == (False, False)


def test_the_mark_lies_at_three_and_a_half_robust_deviations() -> None:
    scale = robust_sd([0, 1, 2, 3, 4])
    assert scale == pytest.approx(1.4826)
    base = [0.0, 1.0, 2.0, 3.0, 4.0]
    # With seven points the median stays 2 and the MAD stays 2.
    for far, marked in ((2 + 3.4 * 2 * 1.4826, False), (2 + 3.6 * 2 * 1.4826, True)):
        assert outlier_marks([*base, -2.0, far])[-1] is marked


@given(st.lists(st.floats(1.0, 1e6), min_size=3, max_size=20), st.floats(0.5, 2.0))
def test_a_mark_does_not_depend_on_the_unit(values: list[float], factor: float) -> None:
    # Powers of two scale exactly, so that no mark flips by rounding.
    power = 2.0 if factor > 1 else 0.5
    assert outlier_marks([power * v for v in values]) == outlier_marks(values)
