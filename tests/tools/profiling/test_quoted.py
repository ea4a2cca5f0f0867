"""A span's name with a quote: torch 2.13 writes it as it is, and the file is no JSON any more."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.tools.profiling import trace as module
from bankable.tools.profiling.quoted import decode_event
from bankable.tools.profiling.trace import read_trace
from tests.tools.profiling.traces import op

NAMES = [
    'step["a": "b", "pid": 7]',
    'end"',
    '""',
    'say "hello"',
    'forge", "pid": 1, "tid": 2',
    "tab\there",
    "plain",
    '"}',
    '",',
]


def layout(name: str, start: int) -> str:
    """One event, line by line as libkineto of torch 2.13 writes it."""
    return (
        f'  {{\n    "ph": "X",\n    "cat": "user_annotation",\n    "name": "{name}",\n    "pid": 1,\n    "tid": 1,\n'
        f'    "ts": {start}.250,\n    "dur": 2.000\n    ,\n    "args": {{\n      "External id": {start},"Ev Idx": 0\n'
        "    }\n  }"
    )


def document(names: list[str]) -> bytes:
    events = ",\n".join(layout(name, start) for start, name in enumerate(names))
    return f'{{\n    "schemaVersion": 1,\n    "traceEvents": [\n{events}\n  ],\n  "traceName": "x"\n}}'.encode()


@pytest.mark.parametrize("chunk", [37, 1000, 4 * 2**20])
def test_every_event_is_read_past_a_quoted_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(module, "CHUNK", chunk)
    path = tmp_path / "t.trace.json.gz"
    path.write_bytes(gzip.compress(document(NAMES)))
    trace = read_trace(path)
    assert [event.name for event in trace.events] == NAMES
    assert [event.external for event in trace.events] == list(range(len(NAMES)))
    assert (trace.total, trace.malformed, trace.torn) == (len(NAMES), 0, False)


def test_a_tear_after_a_quoted_name_is_still_a_tear(tmp_path: Path) -> None:
    path = tmp_path / "t.trace.json"
    path.write_bytes(document(['a"b', 'c"d', "e"])[:-120])
    trace = read_trace(path)
    assert ([event.name for event in trace.events], trace.torn) == (['a"b', 'c"d'], True)


def test_a_line_that_holds_more_than_a_name_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 7)
    event = json.dumps(op("aten::mm", 1, 2)).replace('"name"', '\n"name"').replace('"pid"', '"id": "7",\n"pid"')
    path = tmp_path / "t.trace.json"
    path.write_text(f"[{event},\n{event}]")
    assert [(event.name, event.category) for event in read_trace(path).events] == [("aten::mm", "cpu_op")] * 2


def test_what_cannot_be_mended_is_no_event() -> None:
    text = '{\n"name": "a"b",\n"pid": ?\n}'
    with pytest.raises(json.JSONDecodeError):
        decode_event(text, 0)
    with pytest.raises(json.JSONDecodeError):
        decode_event("{" + '\n"name": "a"b",' * 9 + '\n"pid": 1}', 0)


def test_an_event_longer_than_the_first_window_is_mended_too() -> None:
    text = layout('a"b', 3).replace('"Ev Idx": 0', f'"Ev Idx": "{"x" * 100_000}"')
    value, end = decode_event("  " + text + ",", 4)
    assert isinstance(value, dict)
    assert (value["name"], value["ts"], end) == ('a"b', 3.25, 2 + len(text))


def is_another(name: str) -> bool:
    """Whether an event of that name is valid JSON, with other fields than it has."""
    try:
        return bool(json.loads(f'{{"name": "{name}"}}') != {"name": name})
    except json.JSONDecodeError:
        return False


@settings(deadline=None)
@given(
    st.lists(
        st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\\")).filter(
            lambda name: not is_another(name)
        )
    )
)
def test_the_end_of_any_value_is_found(names: list[str]) -> None:
    text = ",\n".join(layout(name, start) for start, name in enumerate(names))
    position, starts = 0, []
    while position < len(text):
        value, position = decode_event(text, position + 2)
        assert isinstance(value, dict)
        starts.append(value["ts"])
        position += 2
    assert starts == [start + 0.25 for start in range(len(names))]
