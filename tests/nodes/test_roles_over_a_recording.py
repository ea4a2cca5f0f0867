"""Preflight and baseline with the context of a recorded run, without any launch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from bankable.graph.session import recorded_config, session
from bankable.nodes.baseline import CONTROL_SHARE, control_name, estimate_outlook
from bankable.nodes.preflight import preflight
from bankable.tools.levers import knobs_for
from bankable.tools.measurement.run_context import RunContext

RECORDING = Path(__file__).resolve().parents[2] / "evals" / "recorded" / "cpu-search.tar.xz"


@pytest.fixture
def context(tmp_path: Path) -> Iterator[RunContext]:
    with session(recorded_config(RECORDING, {}), tmp_path / "run", resume=False) as opened:
        yield opened


def test_preflight_writes_what_may_be_tried_and_why_the_rest_may_not(context: RunContext) -> None:
    found = preflight(context)
    knobs, dropped = knobs_for(context.driver.device, context.known_flags, context.situation())
    assert found.knobs == [knob.name for knob in knobs]
    assert [(entry.name, bool(entry.why)) for entry in found.dropped] == [(item.name, True) for item in dropped]
    written = orjson.loads((context.folder.root / "preflight.json").read_bytes())
    assert written == found.model_dump(mode="json")
    assert written["questions"] == len(context.questions)


def test_a_control_of_one_block_says_nothing_about_noise(context: RunContext) -> None:
    assert estimate_outlook(context, [0.01]) is None
    assert 0 < CONTROL_SHARE < 1
    assert [control_name(attempt) for attempt in (1, 2)] == ["control", "control-2"]
