"""What is parsed in parts says what it says as a whole, or is left whole."""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.nodes.auditor.reading import chunked as apart
from bankable.nodes.auditor.reading.chunked import SkippedLists, SkippedTexts, load_chunked
from bankable.nodes.auditor.reading.shape import find_repeated_keys


class Kept:
    """Takes anything."""

    def __init__(self) -> None:
        self.entries: list[Any] = []

    def add_text(self, piece: bytes) -> int:
        entries = orjson.loads(piece)
        if not isinstance(entries, list):
            raise ValueError("not a list")
        self.entries += entries
        return len(entries)


def load(text: bytes) -> Any:
    """In parts, with the lists put back."""
    chunked = load_chunked(text, {"itls": Kept, "texts": Kept})
    if chunked is None:
        return None
    assert find_repeated_keys(chunked.rest) == find_repeated_keys(text)
    return {key: value.entries if isinstance(value, Kept) else value for key, value in chunked.entry.items()}


LISTS = st.lists(st.lists(st.floats(0, 1) | st.integers(0, 9) | st.just([]), max_size=3), max_size=5)
TEXTS = st.lists(st.text(alphabet='",]\\ a', max_size=6), max_size=5)
KEYS = st.sampled_from(["itls", "texts", "a", "b", 'x"itls', "\\", ""])
VALUES = st.recursive(
    st.none() | st.integers(0, 9) | st.text(alphabet='"\\:itls,[]{}', max_size=8) | LISTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=6,
)
OBJECTS = st.lists(st.tuples(KEYS, VALUES | LISTS | TEXTS), max_size=5)


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
        b'{"a":"itls","itls":[[0.1]]}',
        b'{"itls":[[0.1]],"texts":["a","\\\\","\\"]","]","[",", ",""],"b":2}',
        b'{"texts":["a"],"itls":[[0.1]]}',
        b'{"texts" : [ "a",\n "b"\n ] , "itls":[[0.1,\n2] ,[3]]}',
    ],
)
def test_the_usual_text_comes_apart(text: bytes, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "PIECE", piece)
    assert load(text) == orjson.loads(text)


@pytest.mark.parametrize("piece", [1, 5, 1 << 16])
@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"itls":[[0.1],],"b":2}',
        b'{"texts":["a",],"b":2}',
        b'{"texts":["a""b"],"c":2}',
        b'{"texts":["a","b"',
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


@pytest.mark.parametrize("piece", [4, 1 << 16])
def test_a_mapped_file_reads_as_its_bytes(piece: int, tmp_path: Path) -> None:
    text = b'{"a":1,"itls":[[0.1,0.2],[],[3]],"texts":["x","y"],"b":NaN}'
    (tmp_path / "file").write_bytes(text)
    with (tmp_path / "file").open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        chunked = load_chunked(mapped, {"itls": Kept, "texts": Kept}, lambda part: part.replace(b"NaN", b"0"), piece)
    assert chunked is not None
    assert {key: getattr(value, "entries", value) for key, value in chunked.entry.items()} == {
        "a": 1,
        "itls": [[0.1, 0.2], [], [3]],
        "texts": ["x", "y"],
        "b": 0,
    }


def test_what_is_only_skimmed_has_its_other_fields() -> None:
    text = b'{"a":1,"itls":[[0.1,0.2],[],[3]],"texts":["x","y"],"b":2}'
    chunked = load_chunked(text, {"itls": SkippedLists, "texts": SkippedTexts}, piece=8)
    assert chunked is not None
    assert (chunked.entry["a"], chunked.entry["b"]) == (1, 2)
    assert list(chunked.entry) == ["a", "itls", "texts", "b"]
