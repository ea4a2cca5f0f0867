"""Lists of numbers that are parsed without Python objects are the same numbers, with the same sums."""

from __future__ import annotations

import json
import math
import random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.nodes.auditor.reading import flat
from bankable.nodes.auditor.reading.flat import LARGEST, SMALLEST, load_flat
from bankable.nodes.auditor.reading.gaps import Gaps
from bankable.tools.statistics.order import pack

pytest.importorskip("simdjson")
SECONDS = st.one_of(
    st.just(0), st.just(0.0), st.integers(0, 1023), st.floats(SMALLEST, LARGEST, exclude_max=True, allow_nan=False)
)


@pytest.fixture(autouse=True)
def _short_texts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat, "WORTH", 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(SECONDS, max_size=6), min_size=1, max_size=6))
def test_numbers_and_sums_are_those_of_the_other_parser(lists: list[list[float]]) -> None:
    text = json.dumps(lists).encode()
    parsed, expected = load_flat(text), orjson.loads(text)
    assert parsed is not None
    assert list(parsed.counts) == [len(entry) for entry in expected]
    assert bytes(parsed.doubles) == b"".join(map(pack, expected))
    assert pack(parsed.sums) == pack([math.fsum(entry) for entry in expected])


def test_long_lists_add_up_exactly() -> None:
    rng = random.Random(1)
    lists = [[rng.lognormvariate(-4.5, 1.0) for _ in range(5_000)] for _ in range(3)]
    parsed = load_flat(json.dumps(lists).encode())
    assert parsed is not None
    assert parsed.sums == [math.fsum(entry) for entry in lists]


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "[1,[2]]",
        "[[1],2]",
        "[1,[2,[3]]]",
        "[[[1]]]",
        "[[1],[[2]]]",
        '[["1"]]',
        "[[null]]",
        "[[true]]",
        '[{"a":1}]',
        '[[{"a":1}]]',
        "[[-1]]",
        "[[1e-9]]",
        "[[2000]]",
        "[[1e400]]",
        "[[123456789012345678901234567890]]",
        "[[1],]",
        "[[1]",
        "[[NaN]]",
        "{}",
        "",
    ],
)
def test_everything_else_is_left_to_the_other_parser(text: str) -> None:
    assert load_flat(text.encode()) is None


@given(st.lists(st.lists(st.floats(0, 1e6) | st.integers(0, 9), max_size=4), max_size=6))
def test_gaps_are_the_same_from_text_and_from_lists(lists: list[list[float]]) -> None:
    parsed, text = Gaps(), Gaps()
    parsed.add(lists)
    assert text.add_text(orjson.dumps(lists)) == len(lists)
    assert (parsed.counts, parsed.sums, parsed.packed) == (text.counts, text.sums, text.packed)
    assert text.to_lists() == lists
