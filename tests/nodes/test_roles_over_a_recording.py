"""Preflight and baseline with the context of a recorded run, without any launch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bankable.graph.session import read_recorded_config, session
from bankable.nodes.baseline import (
    CONTROL_SHARE,
    another_control_fits,
    control_name,
    estimate_outlook,
    find_noise_limit,
    measure_baseline,
)
from bankable.nodes.preflight import preflight
from bankable.tools.evidence.folder import finished_legs
from bankable.tools.evidence.recorded import take_over
from bankable.tools.levers import knobs_for
from bankable.tools.measurement import run_context
from bankable.tools.measurement.cost import UNKNOWN_BLOCK_S, block_seconds, comparison_seconds, seconds_of
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
    assert find_noise_limit(context, [0.01]) == 0.0
    assert 0 < CONTROL_SHARE < 1
    assert [control_name(attempt) for attempt in (1, 2)] == ["control", "control-2"]


def test_noise_limits_what_can_be_shown_and_a_short_time_does_not(context: RunContext) -> None:
    differences = [-0.1, 0.0, 0.1]
    late = replace(context, deadline=context.driver.clock() + 60.0)
    hurried = estimate_outlook(late, differences)
    assert hurried is not None
    assert hurried.detectable_gain == math.inf, "no block fits into half a minute"
    assert 0.1 < find_noise_limit(late, differences) < 0.3
    assert find_noise_limit(late, [0.0, 0.0, 0.001]) == pytest.approx(context.protocol.floor, abs=0.002)


def test_the_control_has_as_many_rounds_as_the_run_says(context: RunContext) -> None:
    protocol = replace(context.protocol, control_rounds=context.protocol.rounds_per_leg // 2)
    measured = measure_baseline(replace(context, protocol=protocol), 1)
    assert measured.plan.rounds_per_leg == context.protocol.rounds_per_leg // 2
    assert {leg.timed_rounds for leg in finished_legs(context.folder.comparison("control"))} == {
        measured.plan.rounds_per_leg
    }


def test_a_faster_candidate_needs_less_time_for_its_blocks(context: RunContext) -> None:
    assert block_seconds(context, 1.0) == UNKNOWN_BLOCK_S, "nothing was measured"
    assert context.recorded is not None
    assert take_over(context.recorded, context.folder, "comparisons/control")
    alike, twice, boundless = (block_seconds(context, gain) for gain in (0.0, 1.0, math.inf))
    legs = finished_legs(context.folder.root / "comparisons")
    spans = [span for leg in legs for span in leg.spans if span.kind in ("warmup", "round")]
    per_leg = sum(span.ended - span.started for span in spans) / len(legs)
    assert alike - twice == pytest.approx(per_leg / 4, rel=0.1), "half of the half that it saves"
    assert alike - boundless == pytest.approx(per_leg / 2, rel=0.1)
    assert comparison_seconds(context, 1.0) == twice * context.protocol.looks[0]


def test_a_large_gain_is_decided_by_launches_with_fewer_rounds(
    context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    four = replace(context.protocol, rounds_per_leg=4)
    assert [four.count_rounds(gain) for gain in (0.0, 0.49, 0.5, math.inf)] == [4, 4, 2, 2]
    assert replace(four, rounds_per_leg=1).count_rounds(1.0) == 1
    assert context.recorded is not None
    assert take_over(context.recorded, context.folder, "comparisons/control")
    whole = block_seconds(context, 0.49)
    monkeypatch.setattr(run_context, "FEW_ROUNDS", context.protocol.rounds_per_leg // 2)
    legs = finished_legs(context.folder.root / "comparisons")
    timed = [span.ended - span.started for leg in legs for span in leg.spans if span.kind == "round"]
    per_block = 2 * sum(timed) / len(legs)
    assert block_seconds(context, rounds=2 * context.protocol.rounds_per_leg) - whole == pytest.approx(
        per_block, rel=0.5
    ), "more rounds than were measured take longer"
    assert whole - block_seconds(context, 0.5) > 0.4 * per_block, "half of all rounds, and what a faster one saves"


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
