"""Intervals of shares of fixtures and of verdicts."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from bankable.evals.score.rate import Clustered, Rate, wilson


@pytest.mark.parametrize(("hits", "of"), [(0, 10), (3, 10), (10, 10), (1, 1)])
def test_wilson_as_scipy_has_it(hits: int, of: int) -> None:
    theirs = binomtest(hits, of).proportion_ci(method="wilson")
    assert Rate(hits, of).interval == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_repeats_that_say_the_same_are_worth_one() -> None:
    found = Clustered.count([[True] * 100, *[[False] * 100] * 9])
    assert (found.hits, found.of, found.fixtures) == (100, 1000, 10)
    assert found.effective == 10
    assert found.interval == Rate(1, 10).interval


def test_repeats_that_differ_as_coins_do_are_worth_all_of_them() -> None:
    found = Clustered.count([[True, False]] * 50)
    assert found.effective == 100
    assert found.interval == pytest.approx(wilson(0.5, 100))


def test_in_between_the_variance_between_fixtures_decides() -> None:
    """Shares 0, 1/2 and 1 of four verdicts each: variance 1/12 of their mean, 0.25 / (1/12) = 3 verdicts."""
    assert Clustered.count([[False] * 4, [True, True, False, False], [True] * 4]).effective == pytest.approx(3)
    some = Clustered.count([[True] * 3 + [False], [True, True, False, False], [True] + [False] * 3])
    assert some.effective == pytest.approx(12)
    mixed = Clustered.count([[True] * 4, [True] + [False] * 3, [False] * 4, [True] * 3 + [False]])
    assert mixed.effective == pytest.approx(4.8)


def test_none_of_many_verdicts_is_no_more_than_none_of_the_fixtures() -> None:
    found = Clustered.count([[False] * 100] * 20)
    assert found.interval == Rate(0, 20).interval
    assert str(Clustered.count([])) == "none"
