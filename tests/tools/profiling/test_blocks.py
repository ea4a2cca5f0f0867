"""What is read of a trace does not depend on whether its events are decoded one by one or many at once."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankable.tools.profiling import trace as module
from bankable.tools.profiling.blocks import decode_block
from bankable.tools.profiling.trace import Trace, read_trace
from tests.tools.profiling.test_quoted import document

LONG = ["aten::mm"] * 60
"""Names of as many events as make more than one block's tail."""

values = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4)
shapes = values | st.lists(values | st.lists(st.integers(0, 9), max_size=3), max_size=3)
arguments = st.dictionaries(
    st.sampled_from(["Input Dims", "Input type", "External id", "correlation", "finished", "more"]), shapes, max_size=4
)
events = st.lists(
    st.dictionaries(st.sampled_from(["ph", "cat", "name", "pid", "tid", "ts", "dur", "args"]), shapes | arguments)
    | st.fixed_dictionaries(
        {
            "ph": st.just("X"),
            "cat": st.sampled_from(["cpu_op", "kernel", "python_function"]),
            "name": st.text(max_size=6),
            "pid": st.sampled_from([1, 1.0, True, "1", None, [1]]),
            "ts": st.integers(0, 10**19) | st.floats(allow_nan=False),
            "dur": st.floats(-1, 1e19),
            "args": arguments | values,
        }
    ),
    max_size=5,
)


def read_one_by_one(path: Path) -> Trace:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "decode_block", lambda text, at: ([], len(text)))
        return read_trace(path)


def blocks_of(text: str, start: int) -> int:
    """How many events are decoded at once."""
    return len(decode_block(text, start)[0])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(events)
def test_any_events_are_read_alike(tmp_path: Path, drawn: list[dict[str, object]]) -> None:
    plain = '{"ph": "X", "cat": "cpu_op",\n"name": "aten::mm",\n"pid": 1, "ts": 1, "dur": 2},\n' * 60
    unusual = "".join(orjson.dumps(event, option=orjson.OPT_INDENT_2).decode() + ",\n" for event in _writable(drawn))
    path = tmp_path / "t.trace.json"
    path.write_text(f'{{"traceEvents": [\n{plain}{unusual}{plain}{plain}{{}}]}}')
    assert read_trace(path) == read_one_by_one(path)


def _writable(drawn: list[dict[str, object]]) -> list[dict[str, object]]:
    """Without what JSON has no words for."""
    kept = []
    for event in drawn:
        try:
            orjson.dumps(event)
        except TypeError:  # an integer of more than 64 bits
            continue
        kept.append(event)
    return kept


def test_usual_events_are_decoded_at_once_and_unusual_names_are_not() -> None:
    usual = document(LONG).decode()
    start = usual.index("[") + 1
    assert blocks_of(usual, start) > len(LONG) // 3
    assert blocks_of(document([*LONG[:20], 'step["a"]', *LONG]).decode(), start) == 0


def test_a_quoted_name_among_many_is_read_with_all_others(tmp_path: Path) -> None:
    names = [*LONG, 'step["a"]', *LONG, '"}', *LONG, '",', *LONG]
    path = tmp_path / "t.trace.json"
    path.write_bytes(document(names))
    trace = read_trace(path)
    assert [event.name for event in trace.events] == names
    assert trace == read_one_by_one(path)


def test_a_name_that_looks_like_two_events_is_one(tmp_path: Path) -> None:
    names = [*LONG, 'x"}, {"y": "', *LONG]
    path = tmp_path / "t.trace.json"
    path.write_bytes(document(names))
    assert [event.name for event in read_trace(path).events] == names


def test_numbers_that_are_written_differently_name_different_lanes(tmp_path: Path) -> None:
    path = tmp_path / "t.trace.json"
    event = '{{"ph": "X", "cat": "cpu_op", "name": "aten::mm",\n"pid": {}, "ts": 1, "dur": 2}},\n'
    path.write_text("[\n" + "".join(event.format(pid) * 60 for pid in ("1", "1.0", "1", '"1"')) + "{}]")
    trace = read_trace(path)
    assert {event.lane for event in trace.events} == {"1/None", "1.0/None"}
    assert trace == read_one_by_one(path)
