"""How many threads a server has, as its environment says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.evidence.threads import BIND, OMP, count_threads, format_cores, parse_cores


@given(st.sets(st.integers(0, 300)))
def test_a_list_of_cores_survives_being_written(cores: set[int]) -> None:
    assert parse_cores(format_cores(sorted(cores))) == cores


def test_neighbours_are_a_range() -> None:
    assert format_cores([5, 0, 1, 2]) == "0-2,5"


@pytest.mark.parametrize("text", ["", "a", "1-", "3-2", "1,,2", "0-99999999", "-1"])
def test_what_is_no_list_of_cores_names_none(text: str) -> None:
    assert not parse_cores(text)


def test_the_variable_that_the_engine_reads_decides() -> None:
    env = {OMP: "4", BIND: "6-7|8-15"}
    assert count_threads(env, binds=True) == 2, "the first rank"
    assert count_threads(env, binds=False) == 4
    assert count_threads({OMP: "4"}, binds=True) is None
    assert count_threads({OMP: "many"}, binds=False) is None
