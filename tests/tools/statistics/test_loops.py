"""Loops are found in tokens, words and characters, and honest text has none."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.statistics.loops import compression_ratio, distinct_share, loop_period

RANDOM = random.Random(1)
HONEST = [RANDOM.randrange(4096) for _ in range(64)]


@pytest.mark.parametrize(
    ("ids", "period"),
    [
        ([7] * 32, 1),
        ([1, 2, 3, *[9, 8] * 10], 2),
        ([*HONEST[:10], *[5, 6, 7, 8] * 6], 4),
        (HONEST, None),
        ([*HONEST, *[7] * 20], None),
        ([1, 2, 3, 1, 2, 3], None),
        ([], None),
    ],
)
def test_a_loop_fills_half_of_the_answer_from_its_end(ids: list[int], period: int | None) -> None:
    assert loop_period(ids) == period


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.integers(4, 12))
def test_every_repeated_unit_is_found(unit: list[int], times: int) -> None:
    period = loop_period(unit * times)
    assert period is not None
    assert period <= len(unit)


def test_distinct_ngrams() -> None:
    assert distinct_share(list("abab"), 2) == pytest.approx(2 / 3)
    assert distinct_share(["a"], 2) == 1.0


def test_compression_tells_a_loop_from_text() -> None:
    assert compression_ratio("again and " * 40) < 0.1
    assert compression_ratio("The baker opened early because the train would bring visitors from the coast.") > 0.8
    assert compression_ratio("\ud800") > 0
    assert compression_ratio("") == 1.0


def test_a_long_sequence_is_searched_in_bounded_time() -> None:
    assert loop_period("a" * 1_000_000) == 1
    assert loop_period("ab" * 999 + "c") is None
