"""Self times of nested events, and the time that a set of intervals covers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bankable.tools.profiling.trace import TraceEvent


@dataclass(slots=True)
class TimedEvent:
    """An event with the time that its nested events do not explain."""

    event: TraceEvent
    self_us: float
    depth: int
    """0 for an event that no other encloses on its lane."""
    end: float
    """End of the event, or of what encloses it if that comes first."""


def self_times(events: Sequence[TraceEvent]) -> list[TimedEvent]:
    """Self time per event: duration less that of the events directly inside, lane by lane; same order as given.

    ``events`` must be sorted by start, longer first (as ``Trace.events`` is). The profiler rounds to nanoseconds, so
    a child may outlive its parent by a hair: it then ends with its parent, and self time is never negative. The self
    times of a lane never add up to more than the time that its events cover.
    """
    open_on: dict[str, list[TimedEvent]] = {}
    timed = []
    for event in events:
        stack = open_on.setdefault(event.lane, [])
        while stack and stack[-1].end <= event.start:
            stack.pop()
        entry = TimedEvent(event, event.duration, len(stack), event.end)
        if stack:
            parent = stack[-1]
            entry.end = min(event.end, parent.end)
            entry.self_us = max(0.0, entry.end - event.start)
            parent.self_us = max(0.0, parent.self_us - entry.self_us)
        stack.append(entry)
        timed.append(entry)
    return timed


def merge_intervals(intervals: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same set of points as disjoint intervals in ascending order; empty ones vanish."""
    result: list[tuple[float, float]] = []
    for start, end in sorted(interval for interval in intervals if interval[1] > interval[0]):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


def length(intervals: Iterable[tuple[float, float]]) -> float:
    """Total length of disjoint intervals."""
    return sum(end - start for start, end in intervals)


def common(left: Sequence[tuple[float, float]], right: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Intersection of two lists of disjoint ascending intervals."""
    result, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if end > start:
            result.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return result
