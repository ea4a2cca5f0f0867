"""Reordering and leaving out, within bounds."""

from __future__ import annotations

import pytest

from bankable.nodes.advice.selection import LeftOut, select

ITEMS = ("large", "middle", "small", "tiny")


def test_what_is_not_named_follows_in_its_order() -> None:
    found, dropped = select(ITEMS, ["small", "large"], [])
    assert (found.order, found.left_out, dropped) == (("small", "large", "middle", "tiny"), (), ())
    assert select(ITEMS, [], [])[0].order == ITEMS
    assert select((), ["a"], [])[0].order == ()


def test_nothing_can_be_added_or_named_twice() -> None:
    found, dropped = select(ITEMS, ["huge\n" * 90, "small", "small"], [("giant", "dull")])
    assert found.order == ("small", "large", "middle", "tiny")
    assert [entry.why for entry in dropped] == ["not on the list", "not on the list", "named twice"]
    assert all(len(item.what) <= 60 and item.what.isprintable() for item in dropped)


@pytest.mark.parametrize(
    ("out", "left", "why"),
    [
        ([("large", "dull")], [], ["the most promising is tried"]),
        ([("tiny", "  ")], [], ["left out without a reason"]),
        ([("tiny", "dull")], ["tiny"], []),
        ([("tiny", "a"), ("tiny", "b")], ["tiny"], ["named twice"]),
        ([("tiny", "a"), ("small", "b"), ("middle", "c")], ["tiny", "small"], ["half of the list is tried"]),
    ],
)
def test_leaving_out_is_bounded_and_needs_a_reason(out: list[tuple[str, str]], left: list[str], why: list[str]) -> None:
    found, dropped = select(ITEMS, [], out)
    assert [entry.name for entry in found.left_out] == left
    assert [item.why for item in dropped] == why
    assert found.order == tuple(name for name in ITEMS if name not in left)


def test_one_item_alone_is_always_tried() -> None:
    assert select(("only",), [], [("only", "dull")])[0].order == ("only",)


def test_what_is_left_out_cannot_be_named_too() -> None:
    found, dropped = select(ITEMS, ["tiny"], [("tiny", "dull")])
    assert found.left_out == (LeftOut(name="tiny", because="dull"),)
    assert "tiny" not in found.order
    assert [entry.why for entry in dropped] == ["named twice"]


def test_it_is_told_in_a_few_words() -> None:
    assert select(ITEMS, [], [])[0].describe(ITEMS) == "nothing to change"
    assert select(("a", "b"), ["b"], [])[0].describe(("a", "b")) == "b, a"
    assert select(ITEMS, [], [("tiny", "dull")])[0].describe(ITEMS) == "large, middle, small; tiny left out (dull)"
