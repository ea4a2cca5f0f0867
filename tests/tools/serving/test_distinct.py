"""Prompts of a round of random ids share no prefix; nothing else about them changes."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.serving.load_worker import make_distinct


@given(
    st.integers(1, 40).flatmap(
        lambda size: st.tuples(
            st.just(size), st.lists(st.lists(st.integers(0, size - 1), min_size=1, max_size=4), max_size=size)
        )
    )
)
def test_first_tokens_are_all_different_and_the_rest_stays(drawn: tuple[int, list[list[int]]]) -> None:
    size, prompts = drawn
    rows = [SimpleNamespace(prompt=list(prompt)) for prompt in prompts]
    make_distinct(rows, size)
    firsts = [row.prompt[0] for row in rows]
    assert len(set(firsts)) == len(firsts)
    assert all(0 <= first < size for first in firsts)
    assert [row.prompt[1:] for row in rows] == [prompt[1:] for prompt in prompts]


def test_a_prompt_that_nobody_drew_before_stays() -> None:
    rows = [SimpleNamespace(prompt=[first, 9]) for first in (3, 3, 5, 4, 3)]
    make_distinct(rows, 10)
    assert [row.prompt[0] for row in rows] == [3, 4, 5, 6, 7]


def test_texts_and_more_prompts_than_tokens_are_left() -> None:
    rows = [SimpleNamespace(prompt=entry) for entry in ("a text", [1], [1], [1], [])]
    make_distinct(rows, 2)
    assert [row.prompt for row in rows] == ["a text", [1], [0], [1], []]
