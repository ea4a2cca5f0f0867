"""A key that is given twice is never lost, however the text is laid out."""

from __future__ import annotations

import json
import random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.nodes.auditor.reading import shape
from bankable.nodes.auditor.reading.shape import (
    count_keys,
    count_keys_at_most,
    find_repeated_keys,
    has_too_many_containers,
    is_plain,
    may_repeat_a_key,
)

NONE: frozenset[str] = frozenset()
NASTY = st.text(alphabet='":\\ ,{}[]\n\tab', max_size=6)


class _Pairs(list[tuple[str, Any]]):
    """An object as pairs, so that a key can stand there twice."""


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(0, 1) | NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(NASTY, inner), max_size=4).map(_Pairs),
    max_leaves=12,
)


def _text(value: Any, rng: random.Random) -> str:
    """JSON with white space wherever it may stand."""

    def gap() -> str:
        return rng.choice(["", "", " ", "\n", "\t \r"])

    if isinstance(value, _Pairs):
        body = ",".join(f"{gap()}{_string(key, rng)}{gap()}:{gap()}{_text(entry, rng)}{gap()}" for key, entry in value)
        return "{" + body + "}"
    if isinstance(value, list):
        return "[" + ",".join(f"{gap()}{_text(entry, rng)}{gap()}" for entry in value) + "]"
    return _string(value, rng) if isinstance(value, str) else json.dumps(value)


def _string(text: str, rng: random.Random) -> str:
    """Now and then a character is escaped that need not be."""
    return json.dumps(text).replace("a", rng.choice(["a", "\\u0061"]))


def _repeats(value: Any) -> int:
    """Keys that are lost when the last one counts."""
    if isinstance(value, _Pairs):
        return len(value) - len(dict(value)) + sum(_repeats(entry) for _, entry in value)
    return sum(map(_repeats, value)) if isinstance(value, list) else 0


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(NASTY, VALUES), max_size=5), st.integers(0, 2**32))
def test_no_repeated_key_is_lost(pairs: list[tuple[str, Any]], seed: int) -> None:
    value = _Pairs(pairs)
    text = _text(value, random.Random(seed)).encode()
    kept = count_keys(orjson.loads(text), 64, NONE)
    assert kept is not None
    assert bool(find_repeated_keys(text)) == (_repeats(value) > 0)
    if _repeats(value):
        assert may_repeat_a_key(text, kept)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(NASTY, VALUES), max_size=3), st.integers(0, 2**32), st.integers(1, 4))
def test_what_is_plain_is_neither_repeated_nor_deep(pairs: list[tuple[str, Any]], seed: int, limit: int) -> None:
    text = _text(_Pairs(pairs), random.Random(seed)).encode()
    found = orjson.loads(text)
    if is_plain(text, found, limit):
        assert not _repeats(_Pairs(pairs))
        assert count_keys(found, limit, NONE) == len(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"t":1.0,"gpu":[],"name":"x"}', True),
        (b'{"t":1.0,"t":2.0}', False),
        (b'{"t":1.0,"name":"a:b"}', False),
        (b'{"t":{"a":1}}', False),
        (b'{"t":[[[]]]}', True),
        (b'{"t":[[[[]]]]}', False),
        (b'{"t":"' + b"x" * shape.SHORT + b'"}', False),
    ],
)
def test_a_sample_of_the_host_is_plain(text: bytes, expected: bool) -> None:
    assert is_plain(text, orjson.loads(text), 4) is expected


def test_an_honest_round_is_not_parsed_twice() -> None:
    """Texts with colons, quotes and backslashes do not look like keys."""
    found = {
        "itls": [[0.01] * 5] * 2000,
        "generated_texts": ["The answer is: 5.", 'He said "so": no.', "a\\", " : ", "C:\\dir"] * 300,
        "server_info": {"a": {"b": 1}},
    }
    text = orjson.dumps(found)
    assert count_keys(found, 64, frozenset({"itls"})) == 5
    assert count_keys_at_most(text) == 5 + 300  # " : " might be the end of a key
    del found["generated_texts"][3::5]
    assert not may_repeat_a_key(orjson.dumps(found), 5)


def test_colons_without_end_are_left_to_the_slow_parse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "MAX_COLONS", 10)
    assert may_repeat_a_key(orjson.dumps({"a": ":" * 5000}), 1)


def test_depth_is_bounded_where_it_lies() -> None:
    deep: Any = 1
    for _ in range(70):
        deep = [deep]
    assert count_keys({"a": deep}, 64, NONE) is None
    assert count_keys({"a": deep}, 64, frozenset({"a"})) == 1


def test_containers_without_end_are_refused_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "MAX_CONTAINERS", 1000)
    assert has_too_many_containers(b"[" + b"[]," * 1000 + b"0" * shape.LARGE + b"]")
    assert not has_too_many_containers(b"[" + b"[]," * 900 + b"0" * shape.LARGE + b"]")


def test_numbers_of_any_length_are_passed_over() -> None:
    assert find_repeated_keys(b'{"a": ' + b"9" * 6000 + b', "a": -1e-7}') == ["a"]
