"""Records of operator benchmarks and overlays, and older records beside them."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from bankable.evals.fixtures.build.benchmark import BenchmarkSpec, honest_rows, source, task
from bankable.tools.evidence.harness import MAX_SAMPLES, OpRun, Task
from bankable.tools.evidence.overlay import Marker
from bankable.tools.evidence.records import Engagement, Lever, OverlayPart

PART = OverlayPart(implementation="cpp-a", digest="d" * 64, source_digest="e" * 64)


def test_a_lever_of_settings_is_written_as_it_always_was() -> None:
    lever = Lever(flags={"stream_interval": 8})
    assert lever.model_dump(mode="json") == {"flags": {"stream_interval": 8}, "env": {}}
    assert Lever.model_validate(lever.model_dump()) == lever


def test_a_lever_with_an_operator_survives_a_round_trip() -> None:
    lever = Lever(flags={"a": 1}, overlays={"rms_norm": PART})
    assert Lever.model_validate_json(lever.model_dump_json()) == lever
    assert lever.names() == ["a", "rms_norm"]
    assert lever.model_dump()["overlays"]["rms_norm"]["bench"] == 1


def test_a_marker_is_a_line_of_engagement() -> None:
    marker = Marker(
        operator="overlay", name="rms_norm", requested="cpp-a", resolved="cpp-a", engaged=True, worker="tp0", pid=7
    )
    assert isinstance(marker, Engagement)
    assert Marker.model_validate_json(marker.model_dump_json()) == marker
    with pytest.raises(ValidationError):
        Marker.model_validate({**marker.model_dump(), "operator": "flag"})


def test_rows_and_task_survive_a_round_trip() -> None:
    row = OpRun.model_validate(honest_rows(BenchmarkSpec())[0])
    assert OpRun.model_validate_json(row.model_dump_json()) == row
    made = Task.model_validate(task(BenchmarkSpec()))
    assert Task.model_validate_json(made.model_dump_json()) == made
    assert made.live_source.model_dump() == source("live")


@pytest.mark.parametrize(
    "change",
    [
        {"samples_ns": [math.inf]},
        {"span_ns": math.nan},
        {"started": math.inf},
        {"role": "judge"},
        {"round": -1},
        {"cache": "cold"},
        {"extra": 1},
        {"samples_ns": [1.0] * (MAX_SAMPLES + 1)},
        {"calls_per_sample": 0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_senseless_rows_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OpRun.model_validate({**honest_rows(BenchmarkSpec())[0], **change})
