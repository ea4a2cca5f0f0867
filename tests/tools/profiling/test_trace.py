"""Reading traces: torn, hostile, plain, compressed."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.tools.errors import UserError
from bankable.tools.profiling import trace as module
from bankable.tools.profiling.trace import is_complete, read_trace
from tests.tools.profiling.traces import op, span, write


def test_events_come_back_in_time_order_with_their_shapes(tmp_path: Path) -> None:
    path = write(tmp_path / "t.gz", [op("aten::mm", 5, 2, [[8, 256], [256, 512]]), op("aten::add", 1, 1)])
    trace = read_trace(path)
    assert [(e.name, e.start, e.duration, e.dims) for e in trace.events] == [
        ("aten::add", 1.0, 1.0, ""),
        ("aten::mm", 5.0, 2.0, "[[8,256],[256,512]]"),
    ]
    assert trace.events[1].dtypes == '["float","float"]'
    assert (trace.total, trace.malformed, trace.torn, trace.with_stack) == (2, 0, False, False)


def test_a_plain_file_and_a_bare_list_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps([op("aten::mm", 0, 1)]))
    assert [e.name for e in read_trace(path).events] == ["aten::mm"]


def test_an_event_that_straddles_chunks_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 37)
    path = write(tmp_path / "t.gz", [op(f"aten::o{i}", i, 1) for i in range(50)])
    assert [e.name for e in read_trace(path).events] == [f"aten::o{i}" for i in range(50)]


def test_a_torn_json_text_is_read_up_to_the_tear(tmp_path: Path) -> None:
    path = write(tmp_path / "t.gz", [op("aten::mm", i, 1) for i in range(10)], cut=60)
    trace = read_trace(path)
    assert trace.torn
    assert len(trace.events) == 9
    assert not is_complete(path)


def test_a_torn_gzip_stream_is_read_up_to_the_tear(tmp_path: Path) -> None:
    whole = write(tmp_path / "t.gz", [op("aten::mm", i * 1.37, 1, [[i, i * 7]]) for i in range(4000)])
    assert is_complete(whole)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    trace = read_trace(whole)
    assert trace.torn
    assert 0 < len(trace.events) < 4000
    assert not is_complete(whole)


def test_python_frames_are_not_kept_but_reported(tmp_path: Path) -> None:
    frame = {**op("f.py(1): g", 0, 9), "cat": "python_function"}
    trace = read_trace(write(tmp_path / "t.gz", [frame, op("aten::mm", 0, 1)]))
    assert trace.with_stack
    assert [e.name for e in trace.events] == ["aten::mm"]


@pytest.mark.parametrize(
    "event",
    [
        {**op("x", 0, 1), "dur": None},
        {**op("x", 0, 1), "dur": -1},
        {**op("x", 0, 1), "ts": "now"},
        {**op("x", 0, 1), "ts": True},
        {**op("x", 0, 1), "name": 7},
        {**op("x", 0, 1), "ts": float("nan")},
        {**op("x", 0, 1), "dur": float("inf")},
        "text",
    ],
)
def test_malformed_events_are_counted_and_left_out(tmp_path: Path, event: object) -> None:
    trace = read_trace(write(tmp_path / "t.gz", [event, op("aten::mm", 0, 1)]))
    assert (trace.malformed, [e.name for e in trace.events]) == (1, ["aten::mm"])


def test_arguments_of_the_wrong_kind_are_as_if_absent(tmp_path: Path) -> None:
    event = {**op("aten::mm", 0, 1), "args": {"Input Dims": {"a": 1}, "External id": "7", "correlation": True}}
    only = read_trace(write(tmp_path / "t.gz", [event])).events[0]
    assert (only.dims, only.external, only.correlation) == ("", None, None)


def test_a_span_that_the_profiler_cut_off_is_marked(tmp_path: Path) -> None:
    trace = read_trace(write(tmp_path / "t.gz", [span("scheduler.run_batch", 0, 9, finished=False)]))
    assert not trace.events[0].finished


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b'{"a": 1}',
        gzip.compress(b"hello", mtime=0),
        b'{"traceEvents": 5}',
        b"\x1f\x8b garbage",
        b"\x00" * 99,
    ],
)
def test_a_file_that_is_no_trace_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match="no event list found"):
        read_trace(path)
    assert is_complete(path) == content.endswith(b"}")


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Cannot read the trace: No such file"):
        read_trace(tmp_path / "none")


def test_limits_refuse_instead_of_filling_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "t.gz", [op("aten::mm", i, 1) for i in range(20)])
    monkeypatch.setattr(module, "MAX_EVENTS", 10)
    with pytest.raises(UserError, match="more than 10 events"):
        read_trace(path)
    monkeypatch.setattr(module, "MAX_TEXT_BYTES", 100)
    with pytest.raises(UserError, match="unpacks to more than 100 bytes"):
        read_trace(path)
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 10)
    with pytest.raises(UserError, match="over the limit of 10"):
        read_trace(path)


def test_a_deeply_nested_event_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('{"traceEvents": [' + "[" * 200_000)
    with pytest.raises(UserError, match="nested too deeply"):
        read_trace(path)


def test_an_event_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_HEADER", 1000)
    monkeypatch.setattr(module, "CHUNK", 500)
    path = tmp_path / "t.json"
    path.write_text('{"traceEvents": [{"name": "' + "x" * 5000)
    with pytest.raises(UserError, match="not JSON, or too long"):
        read_trace(path)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_give_a_trace_or_a_user_error(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes, zipped: bool
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.json"
    content = b'{"traceEvents": [' + tail
    path.write_bytes(gzip.compress(content, mtime=0) if zipped else content)
    with contextlib.suppress(UserError):
        assert read_trace(path).size == path.stat().st_size
