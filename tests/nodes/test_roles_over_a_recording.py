"""Preflight and baseline with the context of a recorded run, without any launch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from bankable.graph.session import read_recorded_config, session
from bankable.nodes.baseline import CONTROL_SHARE, another_control_fits, control_name, estimate_outlook
from bankable.nodes.preflight import preflight
from bankable.tools.evidence.recorded import take_over
from bankable.tools.levers import knobs_for
from bankable.tools.measurement.cost import UNKNOWN_BLOCK_S, block_seconds, seconds_of
from bankable.tools.measurement.run_context import RunContext

RECORDING = Path(__file__).resolve().parents[2] / "evals" / "recorded" / "cpu-search.tar.xz"


@pytest.fixture
def context(tmp_path: Path) -> Iterator[RunContext]:
    with session(read_recorded_config(RECORDING, {}), tmp_path / "run", resume=False) as opened:
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


def test_another_control_fits_while_all_controls_stay_within_their_share_of_the_budget(context: RunContext) -> None:
    blocks = context.protocol.control_blocks
    unmeasured = (blocks + 1) * UNKNOWN_BLOCK_S / CONTROL_SHARE
    assert [another_control_fits(context, budget_s, 1) for budget_s in (unmeasured, unmeasured - 1)] == [True, False]
    assert context.recorded is not None
    assert take_over(context.recorded, context.folder, "comparisons/control")
    spent, block = seconds_of(context, ["control"]), block_seconds(context)
    assert 0 < block < spent
    for attempts in (1, 2):  # the control after the second one has one more block
        least = (spent + (blocks + attempts) * block) / CONTROL_SHARE
        fits = [another_control_fits(context, budget_s, attempts) for budget_s in (least + 1, least - 1)]
        assert fits == [True, False]
