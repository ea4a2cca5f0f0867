"""The sign-flip test against brute force and its known floor."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.statistics.signflip import EXACT_UP_TO, sign_flip_p

DIFFERENCES = st.lists(st.integers(-50, 50).map(lambda k: k / 1000), min_size=1, max_size=10)


@given(DIFFERENCES)
def test_p_counts_every_sign_pattern(differences: list[float]) -> None:
    patterns = itertools.product((1, -1), repeat=len(differences))
    observed = sum(differences) - 1e-9
    reached = sum(sum(s * d for s, d in zip(signs, differences, strict=True)) >= observed for signs in patterns)
    assert sign_flip_p(differences) == reached / 2 ** len(differences)


@pytest.mark.parametrize(("n", "floor"), [(3, 0.125), (4, 0.0625), (5, 0.03125), (6, 0.015625), (20, 2.0**-20)])
def test_the_floor_is_two_to_the_minus_n(n: int, floor: float) -> None:
    assert sign_flip_p([0.02 + 0.001 * i for i in range(n)]) == floor


def test_no_effect_is_certain_not_to_be_excluded() -> None:
    assert sign_flip_p([0.0] * 6) == 1.0
    assert sign_flip_p([-0.01, -0.02, -0.03]) == 1.0


def test_many_blocks_are_sampled_to_a_valid_p() -> None:
    wins = [0.01] * (EXACT_UP_TO + 5)
    assert 0 < sign_flip_p(wins) < 1e-3
    even = [0.01 if i % 2 else -0.01 for i in range(EXACT_UP_TO + 2)]
    assert 0.45 < sign_flip_p(even) < 0.75
    assert sign_flip_p(even) == sign_flip_p(even)


@pytest.mark.parametrize("bad", [[], [math.nan], [0.1, math.inf]])
def test_values_that_are_no_differences_are_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        sign_flip_p(bad)
