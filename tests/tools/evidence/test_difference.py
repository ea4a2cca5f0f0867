"""The first place in which two JSON values differ."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.evidence.difference import first_difference

NAMES = ("stored", "derived")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ({"a": 1}, {"a": 2}, "a: stored 1, derived 2"),
        ({"b": 1, "a": [1, {"x": "y"}]}, {"b": 2, "a": [1, {"x": "z"}]}, "a.1.x: stored 'y', derived 'z'"),
        ({"a": 1}, {}, "a: stored 1, derived nothing"),
        ([1], [1, 2], "1: stored nothing, derived 2"),
        ({"a": []}, {"a": {}}, "a: stored a list of 0, derived an object of 0"),
        (1, True, "the whole: stored 1, derived True"),
        (1, 1.0, "the whole: stored 1, derived 1.0"),
        ("\x1b[2J", "ä", "the whole: stored '\\x1b[2J', derived '\\xe4'"),
    ],
)
def test_the_place_and_both_values_are_told(before: Any, after: Any, says: str) -> None:
    assert first_difference(before, after, NAMES) == says


@given(value=JSON)
def test_equal_values_do_not_differ(value: Any) -> None:
    assert first_difference(value, value, NAMES) is None


@given(before=JSON, after=JSON)
def test_other_values_differ_somewhere_and_it_is_one_line(before: Any, after: Any) -> None:
    found = first_difference(before, after, NAMES)
    assert found is not None or before == after
    assert found is None or (before != after or type(before) is not type(after))
    assert found is None or len(found) < 500


def test_what_is_nested_deeper_than_anybody_reads_is_told_shortly() -> None:
    before: Any = 1
    after: Any = 2
    for _ in range(60):
        before, after = [before], [after]
    assert first_difference(before, after, NAMES) == ".".join(["0"] * 32) + ": stored a list of 1, derived a list of 1"
