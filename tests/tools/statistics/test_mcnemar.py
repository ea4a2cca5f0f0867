"""Paired accuracy: exact p values against scipy, and what 200 questions can see."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bankable.tools.statistics.mcnemar import mcnemar, upper_tail


@given(st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_tail_of_a_fair_coin_agrees_with_scipy(case: tuple[int, int]) -> None:
    k, n = case
    assert upper_tail(k, n) == pytest.approx(stats.binom.sf(k - 1, n, 0.5), rel=1e-9, abs=1e-300)


def legs(both: int, lost: int, won: int, neither: int) -> tuple[list[bool], list[bool]]:
    reference = [True] * (both + lost) + [False] * (won + neither)
    candidate = [True] * both + [False] * lost + [True] * won + [False] * neither
    return reference, candidate


def test_counts_and_accuracies() -> None:
    result = mcnemar(*legs(both=80, lost=9, won=3, neither=8))
    assert (result.questions, result.only_reference, result.only_candidate) == (100, 9, 3)
    assert (result.reference, result.candidate) == (0.89, 0.83)
    assert result.difference == pytest.approx(-0.06)
    assert result.p_worse == pytest.approx(stats.binomtest(9, 12, 0.5, alternative="greater").pvalue)
    assert result.p_two_sided == pytest.approx(stats.binomtest(9, 12, 0.5).pvalue)
    assert result.standard_error == pytest.approx(math.sqrt(12 - 36 / 100) / 100)


def test_equal_legs_are_not_worse() -> None:
    result = mcnemar(*legs(both=150, lost=0, won=0, neither=50))
    assert (result.difference, result.p_worse, result.p_two_sided, result.standard_error) == (0.0, 1.0, 1.0, 0.0)


def test_a_drop_of_eight_in_two_hundred_with_few_swaps_is_seen() -> None:
    assert mcnemar(*legs(both=180, lost=9, won=1, neither=10)).p_worse < 0.05
    assert mcnemar(*legs(both=170, lost=14, won=6, neither=10)).p_worse > 0.05


def test_a_better_candidate_is_never_called_worse() -> None:
    assert mcnemar(*legs(both=50, lost=0, won=20, neither=5)).p_worse == 1.0


def test_fifty_thousand_questions_are_no_problem() -> None:
    assert mcnemar(*legs(both=40_000, lost=900, won=800, neither=8_300)).p_worse == pytest.approx(0.0082, abs=5e-4)


@pytest.mark.parametrize("case", [([], []), ([True], [True, False])])
def test_unpaired_answers_are_refused(case: tuple[list[bool], list[bool]]) -> None:
    with pytest.raises(ValueError, match="paired"):
        mcnemar(*case)
