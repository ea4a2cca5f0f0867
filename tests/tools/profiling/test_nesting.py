"""Self times never count twice."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.tools.profiling.nesting import common, length, merge_intervals, self_times
from bankable.tools.profiling.trace import TraceEvent


def _event(start: float, duration: float, lane: str = "a") -> TraceEvent:
    return TraceEvent("x", "cpu_op", lane, start, duration, "", "", None, None)


def test_nested_time_counts_for_the_inner_operator_only() -> None:
    timed = self_times([_event(0, 10), _event(1, 6), _event(2, 2), _event(8, 1)])
    assert [(t.self_us, t.depth) for t in timed] == [(3, 0), (4, 1), (2, 2), (1, 1)]


def test_threads_do_not_nest_into_each_other() -> None:
    timed = self_times([_event(0, 10, "a"), _event(1, 6, "b")])
    assert [(t.self_us, t.depth) for t in timed] == [(10, 0), (6, 0)]


def test_a_child_that_outlives_its_parent_counts_only_inside() -> None:
    timed = self_times([_event(0, 10), _event(9, 5)])
    assert [t.self_us for t in timed] == [9, 1]


_events = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30), st.sampled_from("ab")), max_size=25)


@settings(deadline=None)
@given(_events)
def test_self_times_never_exceed_what_the_events_cover(raw: list[tuple[int, int, str]]) -> None:
    events = sorted((_event(s, d, lane) for s, d, lane in raw), key=lambda e: (e.start, -e.duration))
    timed = self_times(events)
    assert all(t.self_us >= 0 for t in timed)
    for lane in "ab":
        mine = [t for t in timed if t.event.lane == lane]
        assert (
            sum(t.self_us for t in mine) <= length(merge_intervals((t.event.start, t.event.end) for t in mine)) + 1e-9
        )


def _points(intervals: list[tuple[float, float]]) -> set[int]:
    return {p for p in range(100) if any(a <= p < b for a, b in intervals)}


_intervals = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=8)


@settings(deadline=None)
@given(_intervals, _intervals)
def test_interval_algebra_agrees_with_sets(left: list[tuple[float, float]], right: list[tuple[float, float]]) -> None:
    a, b = merge_intervals(left), merge_intervals(right)
    assert _points(a) == _points(left)
    assert _points(common(a, b)) == _points(a) & _points(b)
    assert length(a) == len(_points(a))
