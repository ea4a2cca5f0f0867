"""What is parsed in parts says what it says as a whole, or is left whole."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.nodes.auditor.reading import chunked as apart
from bankable.nodes.auditor.reading.chunked import load_chunked


class Kept:
    """Takes anything."""

    def __init__(self) -> None:
        self.entries: list[Any] = []

    def add(self, entries: list[Any]) -> None:
        self.entries += entries


def load(text: bytes) -> Any:
    """In parts, with the list put back."""
    found = load_chunked(text, "itls", Kept())
    if found is None:
        return None
    return {key: value.entries if isinstance(value, Kept) else value for key, value in found.items()}


LISTS = st.lists(st.lists(st.floats(0, 1) | st.integers(0, 9) | st.just([]), max_size=3), max_size=5)
KEYS = st.sampled_from(["itls", "a", "b", 'x"itls', "\\", ""])
VALUES = st.recursive(
    st.none() | st.integers(0, 9) | st.text(alphabet='"\\:itls,[]{}', max_size=8) | LISTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=6,
)
OBJECTS = st.lists(st.tuples(KEYS, VALUES | LISTS), max_size=5)


def text_of(pairs: list[tuple[str, Any]], comma: str, colon: str) -> bytes:
    """Keys may stand there twice."""
    entries = (json.dumps(key) + colon + json.dumps(value, separators=(comma, colon)) for key, value in pairs)
    return ("{" + comma.join(entries) + "}").encode()


@settings(max_examples=500, deadline=None)
@given(OBJECTS, st.sampled_from([",", ", ", " ,\t"]), st.sampled_from([":", ": "]), st.integers(1, 40), st.data())
def test_parts_say_what_the_whole_says(
    pairs: list[tuple[str, Any]], comma: str, colon: str, piece: int, data: st.DataObject
) -> None:
    text = text_of(pairs, comma, colon)
    if data.draw(st.booleans()):  # somebody damaged it
        place = data.draw(st.integers(0, len(text) - 1))
        text = (
            text[:place]
            + data.draw(st.sampled_from([b"", b'"', b"\\", b"[", b"]", b",", b"}", b"0"]))
            + text[place + 1 :]
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(apart, "PIECE", piece)
        found = load(text)
    if found is not None:
        assert found == orjson.loads(text)
        assert list(found) == list(orjson.loads(text))


@pytest.mark.parametrize("piece", [1, 5, 1 << 16])
@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"itls":[[0.1,0.2],[],[3]],"b":"\\"itls\\":[["}',
        b'{"a": "the itls", "itls": [[0.1, 0.2], [], [3]], "b": 2}',
        b'{"itls" : [ [0.1],\t[0.2] ] }\n',
        b'{"itls":[[]]}',
    ],
)
def test_the_usual_text_comes_apart(text: bytes, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "PIECE", piece)
    assert load(text) == orjson.loads(text)


@pytest.mark.parametrize("piece", [1, 5, 1 << 16])
@pytest.mark.parametrize(
    "text",
    [
        b'{"a":"itls","itls":[[0.1]]}',
        b'{"a":1,"itls":[[0.1],],"b":2}',
        b'{"a":1,"itls":[,[0.1]],"b":2}',
        b'{"a":1,"itls":[[0.1],,[0.2]],"b":2}',
        b'{"a":1,"itls":[[0.1]],}',
        b'{"a":1,"itls":[[0.1]]}}',
        b'{"a":1,"itls":[[0.1]]',
        b'{"a":1,"itls":[[0.1]]"b":2}',
        b'{"a\\"itls":[[0.1]]}',
        b'{"a":{"itls":[[0.1]]}}',
        b'{"a":{"itls":[[0.1]]},"\\u0069tls":0}',
        b'[{"itls":[[0.1]]}]',
        b'{"itls":[]}',
        b'{"itls":[["a"]]}',
        b'"itls":[[0.1]]',
        b"",
    ],
)
def test_what_does_not_come_apart_is_left_whole(text: bytes, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "PIECE", piece)
    assert load(text) is None


def test_lists_without_end_are_left_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b'{"itls":[' + b"[]," * 40 + b'[]],"a":[[]]}'
    monkeypatch.setattr(apart, "PIECE", 8)
    assert load(text) is not None
    monkeypatch.setattr(apart, "MAX_CONTAINERS", 43)
    assert load(text) is None
