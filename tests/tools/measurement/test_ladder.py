"""A ladder: every launch serves all loads, blocks go on while one can decide something, the frontier follows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import (
    Failure,
    FrontierClaim,
    LaunchPlan,
    LegRecord,
    Lever,
    Plan,
    ServerConfig,
    Workload,
)
from bankable.tools.measurement.ladder import LadderResult, measure_ladder
from bankable.tools.measurement.ladder_block import leg_name
from bankable.tools.measurement.ladder_plan import name_contender, name_load, plan_ladder
from bankable.tools.measurement.run_context import RunContext
from tests.tools.measurement.recordings import BASE, CHANGED, lines, record_leg, replaying

OTHER = BASE.with_lever(Lever(flags={"schedule_policy": "lpm"}))
FASTER, EQUAL = "chunked_prefill_size-64", "schedule_policy-lpm"
LOADS = tuple(Workload(num_prompts=4, input_len=8, output_len=4, concurrency=count) for count in (1, 2))
NAMES = {"reference": BASE, FASTER: CHANGED, EQUAL: OTHER}
GAIN = {"reference": 1.0, FASTER: 1.4, EQUAL: 1.0}
HOURS = 10 * 3600.0


def record(root: Path, blocks: int = 10, failing: str = "") -> Path:
    """Launches that serve two rounds at each of two loads; throughput rises and interactivity with it."""
    for block in range(blocks):
        for place, (name, config) in enumerate(NAMES.items()):
            wobble = 1.0 + 0.004 * ((7 * block + 3 * place) % 5 - 2)
            rates = [GAIN[name] * wobble * rate for rate in (100.0, 101.0, 150.0, 151.0)]
            failed = Failure(kind="out_of_memory", line="no memory") if name == failing else None
            leg = record_leg(root, "ladder", leg_name(block, name), config, [] if failed else rates, failure=failed)
            _pace(leg / "bench_runs.jsonl", 1.0 / wobble)
    return root


def _pace(path: Path, wobble: float) -> None:
    """Gaps between tokens that follow the rate; the engine's own median is another one, and does not count."""
    runs = lines(path)
    for run in runs:
        gap = wobble / run["output_throughput"]
        run.update(itls=[[gap] * 3] * 4, median_tpot_ms=1.0)
    path.write_bytes(b"".join(orjson.dumps(run) + b"\n" for run in runs))


def ladder(tmp_path: Path, recorded: Path, seconds: float = HOURS) -> tuple[RunContext, LadderResult]:
    context, _ = replaying(recorded, tmp_path / "run")
    plan = plan_ladder(context, [CHANGED, OTHER], LOADS)
    return context, measure_ladder(context, plan, seconds)


def legs(tmp_path: Path) -> dict[str, LegRecord]:
    found = sorted((tmp_path / "run" / "comparisons" / "ladder" / "legs").glob("*/leg.json"))
    return {path.parent.name: LegRecord.model_validate_json(path.read_bytes()) for path in found}


def test_loads_and_configurations_are_named_by_what_they_are() -> None:
    assert name_load(LOADS[1]) == "c2"
    assert name_load(Workload(request_rate=2.5)) == "r2.5"
    assert name_contender(BASE, BASE) == "reference"
    assert name_contender(BASE, CHANGED) == FASTER


def test_a_ladder_is_declared_before_its_first_launch(tmp_path: Path) -> None:
    context, _ = replaying(record(tmp_path / "recorded", 1), tmp_path / "run")
    plan = plan_ladder(context, [CHANGED, CHANGED, OTHER, BASE], LOADS)
    assert plan.ladder is not None
    assert [entry.name for entry in plan.ladder.contenders] == ["reference", FASTER, EQUAL]
    assert plan.ladder.family == 6 * 5
    assert plan.rounds_per_leg == len(plan.blocks[0].seeds) == 4
    assert all(sorted(order) == [0, 1, 2] for order in plan.ladder.orders)
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    with pytest.raises(UserError, match="load c1 is given twice"):
        plan_ladder(context, [CHANGED], [LOADS[0], LOADS[0]])


def test_a_faster_configuration_is_named_for_each_load_and_an_equal_one_is_left_undecided(tmp_path: Path) -> None:
    _, result = ladder(tmp_path, record(tmp_path / "recorded"))
    claim = result.claim
    assert claim is not None
    points = {point.key: point for point in claim.points}
    assert {point.load: (point.contender, point.undecided) for point in claim.operating_points} == {
        "c1": (FASTER, ()),
        "c2": (FASTER, ()),
    }
    assert claim.best == "c2"
    assert f"{FASTER}@c1" in points["reference@c1"].dominated_by
    assert points[f"{FASTER}@c2"].dominated_by == ()
    assert points["reference@c2"].throughput == pytest.approx(150.5, rel=0.01)
    assert points["reference@c2"].interactivity == pytest.approx(150.5, rel=0.02), "from gaps"
    assert points["reference@c1"].throughput_interval is not None
    stored = (tmp_path / "run" / "comparisons" / "ladder" / "claim.json").read_bytes()
    assert FrontierClaim.model_validate_json(stored) == claim


def test_blocks_end_when_no_launch_would_decide_more(tmp_path: Path) -> None:
    _, result = ladder(tmp_path, record(tmp_path / "recorded"))
    assert result.claim is not None
    assert result.claim.blocks == 5, "the first look decides what can be decided"
    assert len(legs(tmp_path)) == 15


def test_equal_configurations_are_not_launched_again_when_nothing_can_be_decided(tmp_path: Path) -> None:
    context, _ = replaying(record(tmp_path / "recorded"), tmp_path / "run")
    result = measure_ladder(context, plan_ladder(context, [OTHER], LOADS[:1]), HOURS)
    assert result.claim is not None
    assert result.claim.blocks == 2, "two launches of each show that no look would tell them apart"
    assert [point.undecided for point in result.claim.operating_points] != [()]


def test_each_launch_serves_all_loads_in_turn_with_the_seeds_of_the_plan(tmp_path: Path) -> None:
    _, result = ladder(tmp_path, record(tmp_path / "recorded"))
    folder = tmp_path / "run" / "comparisons" / "ladder" / "legs"
    seeds = set()
    for name in NAMES:
        rounds = lines(folder / leg_name(0, name) / "bench_runs.jsonl")
        assert [run["bankable"]["index"] for run in rounds] == [0, 1, 2, 3]
        seeds.add(tuple(run["bankable"]["seed"] for run in rounds))
    assert seeds == {result.plan.blocks[0].seeds}
    started = sorted(
        (run["bankable"]["started"], run["bankable"]["index"])
        for name in NAMES
        for run in lines(folder / leg_name(0, name) / "bench_runs.jsonl")
    )
    assert [index for _, index in started] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_a_configuration_that_does_not_start_is_left_out_and_the_others_go_on(tmp_path: Path) -> None:
    _, result = ladder(tmp_path, record(tmp_path / "recorded", failing=EQUAL))
    assert result.failures[EQUAL].line == "no memory"
    assert result.claim is not None
    assert {point.contender for point in result.claim.points} == {"reference", FASTER}
    assert [name for name in legs(tmp_path) if EQUAL in name] == [leg_name(0, EQUAL)]


def test_finished_blocks_are_not_measured_again(tmp_path: Path) -> None:
    context, first = ladder(tmp_path, record(tmp_path / "recorded"))
    before = context.driver.clock()
    assert measure_ladder(context, first.plan, HOURS).claim == first.claim
    (tmp_path / "run" / "comparisons" / "ladder" / "claim.json").unlink()
    assert measure_ladder(context, first.plan, HOURS).claim == first.claim, "from the launches alone"
    assert context.driver.clock() == before


def test_without_time_for_a_second_block_nothing_is_proven(tmp_path: Path) -> None:
    _, result = ladder(tmp_path, record(tmp_path / "recorded"), seconds=60.0)
    assert result.claim is not None
    assert result.claim.blocks == 1
    assert not any(point.dominated_by for point in result.claim.points)
    assert {point.load: set(point.undecided) for point in result.claim.operating_points} == {
        "c1": {"reference", EQUAL},
        "c2": {"reference", EQUAL},
    }


def test_a_setting_that_did_not_take_effect_is_no_point(tmp_path: Path) -> None:
    recorded = record(tmp_path / "recorded", 1)
    info = recorded / "comparisons" / "ladder" / "legs" / leg_name(0, FASTER) / "server_info.json"
    info.write_bytes(orjson.dumps({**orjson.loads(info.read_bytes()), "chunked_prefill_size": 512}))
    _, result = ladder(tmp_path, recorded, seconds=60.0)
    assert "did not take effect" in result.failures[FASTER].line


def test_servers_of_an_alternating_ladder_are_up_one_at_a_time(tmp_path: Path) -> None:
    context, _ = replaying(record(tmp_path / "recorded", 1), tmp_path / "run")
    alternating = replace(context.protocol, launch_plan=LaunchPlan.ALTERNATING)
    context = replace(context, protocol=alternating)
    measure_ladder(context, plan_ladder(context, [CHANGED], LOADS), 60.0)
    spans = sorted((leg.launched_at, leg.stopped_at) for leg in legs(tmp_path).values())
    assert spans[0][1] <= spans[1][0]


def test_an_empty_configuration_is_the_reference_itself() -> None:
    assert name_contender(ServerConfig(), ServerConfig()) == "reference"
