"""Gaps come out as they went in."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.nodes.auditor.reading.gaps import Gaps
from bankable.tools.statistics.order import pack

LISTS = st.lists(st.lists(st.floats(0, 1e6) | st.integers(0, 9), max_size=4), max_size=6)


@given(LISTS, LISTS, st.data())
def test_batches_add_up(first: list[list[float]], second: list[list[float]], data: st.DataObject) -> None:
    gaps, whole = Gaps(), [*first, *second]
    gaps.add(first)
    gaps.add(second)
    errors = data.draw(st.lists(st.sampled_from(["", "bad"]), min_size=len(whole), max_size=len(whole)))
    assert len(gaps) == len(whole)
    assert list(gaps.counts) == [len(entry) for entry in whole]
    assert list(gaps.sums) == [math.fsum(item) for item in whole]
    kept = [gap for it, error in zip(whole, errors, strict=True) if not error for gap in it]
    assert array("d", bytes(gaps.of_completed(errors))).tolist() == kept
    assert gaps.packed == pack([gap for element in whole for gap in element])


@pytest.mark.parametrize("entry", ["x", {}, None, 1.0, ["x"], [None], [[]], [1e308, 1e308], [10**400]])
def test_what_is_no_list_of_numbers_is_refused(entry: object) -> None:
    with pytest.raises(ValueError, match="not a"):
        Gaps().add([[0.1], entry])
