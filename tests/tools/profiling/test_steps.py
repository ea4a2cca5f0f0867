"""Prefill or decode, and where a step begins and ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bankable.tools.profiling.records import StepPhase
from bankable.tools.profiling.steps import Timeline, find_steps
from bankable.tools.profiling.trace import read_trace
from tests.tools.profiling.traces import op, span, write


def _timeline(tmp_path: Path, events: list[Any]) -> Timeline:
    return find_steps(read_trace(write(tmp_path / "t.gz", events)).events)


def test_engine_spans_give_phase_requests_and_tokens(tmp_path: Path) -> None:
    timeline = _timeline(
        tmp_path,
        [
            span("step[EXTEND bs=7 toks=3857]", 10, 5),
            span("step[DECODE bs=8 g_sq=8]", 20, 5),
            span("step[MIXED bs=3]", 30, 5),
            span("step[VERIFY bs=2]", 40, 5),
            span("step[NEW_MODE bs=2]", 50, 5),
        ],
    )
    assert timeline.source == "markers"
    assert [(s.phase, s.requests, s.tokens, s.start, s.end) for s in timeline.steps] == [
        (StepPhase.PREFILL, 7, 3857, 10, 20),
        (StepPhase.DECODE, 8, 8, 20, 30),
        (StepPhase.MIXED, 3, 3, 30, 40),
        (StepPhase.DECODE, 2, 2, 40, 50),
        (StepPhase.OTHER, 2, 2, 50, 55),
    ]


def test_a_step_begins_with_its_preparation_and_the_last_ends_with_its_batch(tmp_path: Path) -> None:
    timeline = _timeline(
        tmp_path,
        [
            span("scheduler.get_next_batch_to_run", 8, 1),
            span("scheduler.run_batch", 9, 9),
            span("step[DECODE bs=1]", 10, 5),
            span("scheduler.get_next_batch_to_run", 20, 1),
            span("scheduler.run_batch", 22, 9),
            span("step[DECODE bs=1]", 23, 5),
            span("scheduler.get_next_batch_to_run", 40, 1),
            span("scheduler.run_batch", 42, 900, finished=False),
        ],
    )
    assert [(s.start, s.end) for s in timeline.steps] == [(8, 20), (20, 31)]


def test_a_batch_that_the_export_cut_off_does_not_lengthen_the_window(tmp_path: Path) -> None:
    events = [span("scheduler.run_batch", 9, 900, finished=False), span("step[DECODE bs=1]", 10, 5)]
    assert _timeline(tmp_path, events).window == (10, 15)


def test_idle_time_belongs_to_no_step(tmp_path: Path) -> None:
    timeline = _timeline(
        tmp_path, [span("step[DECODE bs=1]", 0, 10), span("scheduler.idle", 20, 60), span("step[DECODE bs=1]", 100, 10)]
    )
    assert timeline.busy() == [(0, 20), (80, 110)]
    assert [timeline.wall(step) for step in timeline.steps] == [40, 10]
    assert timeline.at(50) is None
    assert timeline.at(85) is timeline.steps[0]
    assert timeline.at(110) is None


def test_without_spans_token_counts_tell_the_phase(tmp_path: Path) -> None:
    timeline = _timeline(
        tmp_path,
        [
            op("aten::embedding", 0, 1, [[1024, 256], [300]]),
            op("aten::mm", 2, 1, [[300, 256], [256, 512]]),
            op("aten::mm", 4, 1, [[2, 256], [256, 1024]]),
            op("aten::embedding", 10, 1, [[1024, 256], [2]]),
            op("aten::mm", 12, 3, [[2, 256], [256, 1024]]),
        ],
    )
    assert timeline.source == "shapes"
    assert [(s.phase, s.requests, s.tokens, s.start, s.end) for s in timeline.steps] == [
        (StepPhase.PREFILL, 2, 300, 0, 10),
        (StepPhase.DECODE, 2, 2, 10, 15),
    ]


def test_without_either_no_step_is_invented(tmp_path: Path) -> None:
    timeline = _timeline(tmp_path, [op("aten::mm", 2, 1), op("aten::embedding", 3, 1)])
    assert (timeline.source, timeline.steps) == ("none", ())
