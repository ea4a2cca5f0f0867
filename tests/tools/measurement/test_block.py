"""A block: a fresh reference and a fresh candidate, loaded in the plan's order, on record whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.tools.evidence.records import ComparisonKind, Failure, LaunchPlan, LegRecord, Side
from bankable.tools.measurement.block import leg_name, run_block
from bankable.tools.measurement.leg import PREPARED
from bankable.tools.serving.driver import StopRequested
from tests.tools.measurement.recordings import BASE, CHANGED, ROUND_S, START_S, lines, plan_of, record_leg, replaying

REFERENCE, CANDIDATE = Side.REFERENCE, Side.CANDIDATE
DIED = Failure(kind="died_in_round", line="Killed")


def record_pair(root: Path, comparison: str = "patch", blocks: int = 1) -> Path:
    """Blocks whose reference serves 100 and 102 tokens per second, and whose candidate serves 120 and 122."""
    for block in range(blocks):
        record_leg(root, comparison, f"b{block:02d}-reference", BASE, [100.0, 102.0])
        config = BASE if comparison == "control" else CHANGED
        record_leg(root, comparison, f"b{block:02d}-candidate", config, [120.0, 122.0])
    return root


def closed(legs: Path) -> dict[str, LegRecord]:
    found = sorted(legs.glob("*/leg.json"))
    return {path.parent.name: LegRecord.model_validate_json(path.read_bytes()) for path in found}


def test_a_leg_is_named_by_block_and_side() -> None:
    assert leg_name(3, REFERENCE) == "b03-reference"
    assert leg_name(3, CANDIDATE, attempt=1) == "b03-candidate-again"


def test_coresident_servers_are_loaded_in_turns_with_the_plans_seeds(tmp_path: Path) -> None:
    context, events = replaying(record_pair(tmp_path / "recorded"), tmp_path / "run")
    plan = plan_of()
    result = run_block(context, plan, plan.blocks[0])
    assert result.failure is None
    legs = tmp_path / "run" / "comparisons" / "patch" / "legs"
    rounds = {side: lines(legs / f"b00-{side}" / "bench_runs.jsonl") for side in Side}
    assert [run["output_throughput"] for run in rounds[REFERENCE]] == [100.0, 102.0]
    assert [run["output_throughput"] for run in rounds[CANDIDATE]] == [120.0, 122.0]
    assert [[run["bankable"]["seed"] for run in rounds[side]] for side in Side] == [[1, 2], [1, 2]]
    assert [run["bankable"]["peer_cpu_s"] for run in rounds[REFERENCE]] == [0.25, 0.25]
    assert [event.text for event in events if event.kind == "round"] == [
        "b00-reference round 0",
        "b00-candidate round 0",
        "b00-candidate round 1",
        "b00-reference round 1",
    ]
    records = result.legs
    assert records[REFERENCE].launched_at == records[CANDIDATE].launched_at
    assert {side: (leg.warmups, leg.timed_rounds, leg.status) for side, leg in records.items()} == {
        REFERENCE: (1, 2, "complete"),
        CANDIDATE: (1, 2, "complete"),
    }


def test_alternating_servers_are_never_up_together(tmp_path: Path) -> None:
    context, _ = replaying(record_pair(tmp_path / "recorded"), tmp_path / "run")
    plan = plan_of(launch_plan=LaunchPlan.ALTERNATING)
    legs = run_block(context, plan, plan.blocks[0]).legs
    assert legs[CANDIDATE].launched_at == legs[REFERENCE].stopped_at
    spent = legs[REFERENCE].stopped_at - legs[REFERENCE].launched_at
    assert spent == START_S + 3 * ROUND_S, "launch, warm-up, two rounds"
    (runs,) = {tuple(run["bankable"]["peer_cpu_s"] for run in lines(leg)) for leg in _bench_runs(tmp_path)}
    assert runs == (None, None), "no peer was up"


def test_a_finished_block_is_not_measured_again(tmp_path: Path) -> None:
    recorded, plan = record_pair(tmp_path / "recorded"), plan_of()
    context, _ = replaying(recorded, tmp_path / "run")
    first = run_block(context, plan, plan.blocks[0])
    before = context.driver.clock()
    assert run_block(context, plan, plan.blocks[0]) == first
    assert context.driver.clock() == before


def test_half_a_coresident_block_is_set_aside_as_a_whole(tmp_path: Path) -> None:
    recorded, plan = record_pair(tmp_path / "recorded"), plan_of()
    context, _ = replaying(recorded, tmp_path / "run")
    run_block(context, plan, plan.blocks[0])
    comparison = tmp_path / "run" / "comparisons" / "patch"
    (comparison / "legs" / "b00-candidate" / "leg.json").unlink()
    again = run_block(context, plan, plan.blocks[0])
    assert sorted(path.name for path in (comparison / "torn").iterdir()) == ["b00-candidate-1", "b00-reference-1"]
    assert {side: leg.status for side, leg in again.legs.items()} == {REFERENCE: "complete", CANDIDATE: "complete"}


def test_of_an_alternating_block_only_the_torn_leg_is_measured_again(tmp_path: Path) -> None:
    recorded, plan = record_pair(tmp_path / "recorded"), plan_of(launch_plan=LaunchPlan.ALTERNATING)
    context, _ = replaying(recorded, tmp_path / "run")
    first = run_block(context, plan, plan.blocks[0])
    comparison = tmp_path / "run" / "comparisons" / "patch"
    (comparison / "legs" / "b00-candidate" / "leg.json").unlink()
    again = run_block(context, plan, plan.blocks[0])
    assert again.legs[REFERENCE] == first.legs[REFERENCE]
    assert again.legs[CANDIDATE].launched_at >= first.legs[CANDIDATE].stopped_at
    assert [path.name for path in (comparison / "torn").iterdir()] == ["b00-candidate-1"]


def test_legs_that_were_about_to_be_closed_are_closed(tmp_path: Path) -> None:
    recorded, plan = record_pair(tmp_path / "recorded"), plan_of()
    context, _ = replaying(recorded, tmp_path / "run")
    first = run_block(context, plan, plan.blocks[0])
    legs = tmp_path / "run" / "comparisons" / "patch" / "legs"
    (legs / "b00-candidate" / "leg.json").rename(legs / "b00-candidate" / PREPARED)
    assert run_block(context, plan, plan.blocks[0]) == first
    assert (legs / "b00-candidate" / "leg.json").is_file()


def test_a_launch_that_fails_closes_both_legs_without_a_round(tmp_path: Path) -> None:
    recorded, oom = tmp_path / "recorded", Failure(kind="out_of_memory", line="MemoryError")
    record_leg(recorded, "patch", "b00-reference", BASE, [100.0, 102.0])
    record_leg(recorded, "patch", "b00-candidate", CHANGED, [], failure=oom)
    context, _ = replaying(recorded, tmp_path / "run")
    plan = plan_of()
    result = run_block(context, plan, plan.blocks[0])
    assert result.failure == oom
    assert {side: (leg.status, leg.timed_rounds, leg.warmups) for side, leg in result.legs.items()} == {
        REFERENCE: ("complete", 0, 0),
        CANDIDATE: ("failed", 0, 0),
    }
    assert list(closed(tmp_path / "run" / "comparisons" / "patch" / "legs")) == ["b00-candidate", "b00-reference"]


def test_a_server_that_dies_in_a_round_costs_one_retry_on_record(tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    record_leg(recorded, "patch", "b00-reference", BASE, [100.0, 102.0])
    record_leg(recorded, "patch", "b00-candidate", CHANGED, [120.0], failure=DIED)
    record_leg(recorded, "patch", "b00-candidate-again", CHANGED, [121.0, 123.0])
    context, events = replaying(recorded, tmp_path / "run")
    plan = plan_of()
    result = run_block(context, plan, plan.blocks[0])
    assert result.failure is None
    assert {side: leg.leg_id for side, leg in result.legs.items()} == {
        REFERENCE: "b00-reference-again",
        CANDIDATE: "b00-candidate-again",
    }
    broken = closed(tmp_path / "run" / "comparisons" / "patch" / "legs")["b00-candidate"]
    assert (broken.status, broken.timed_rounds, broken.failure) == ("failed", 1, DIED)
    assert [event.text for event in events if event.kind == "note"] == ["patch block 0 again: Killed"]


def test_the_second_death_is_final(tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    record_leg(recorded, "patch", "b00-reference", BASE, [100.0, 102.0])
    record_leg(recorded, "patch", "b00-candidate", CHANGED, [120.0], failure=DIED)
    context, _ = replaying(recorded, tmp_path / "run")
    plan = plan_of()
    assert run_block(context, plan, plan.blocks[0]).failure == DIED
    legs = closed(tmp_path / "run" / "comparisons" / "patch" / "legs")
    assert sorted(legs) == ["b00-candidate", "b00-candidate-again", "b00-reference", "b00-reference-again"]


def test_a_flag_that_did_not_take_effect_is_not_loaded(tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    record_leg(recorded, "patch", "b00-reference", BASE, [100.0, 102.0])
    record_leg(recorded, "patch", "b00-candidate", CHANGED, [120.0, 122.0], resolved={"chunked_prefill_size": 512})
    context, events = replaying(recorded, tmp_path / "run")
    plan = plan_of()
    result = run_block(context, plan, plan.blocks[0])
    assert result.failure == Failure(
        kind="unsupported", line="chunked_prefill_size=64 did not take effect: the server has 512"
    )
    assert [event.kind for event in events if event.kind == "round"] == []
    (record,) = lines(tmp_path / "run" / "comparisons" / "patch" / "legs" / "b00-candidate" / "engagement.jsonl")
    assert (record["requested"], record["resolved"], record["engaged"]) == ("64", "512", False)


@pytest.mark.parametrize(
    ("kind", "probed", "asked"),
    [
        (ComparisonKind.CONTROL, ["b00-candidate", "b00-reference"], ["b00-reference"]),
        (ComparisonKind.PATCH, ["b00-candidate"], ["b00-candidate"]),
    ],
)
def test_only_the_first_block_is_probed(
    kind: ComparisonKind, probed: list[str], asked: list[str], tmp_path: Path
) -> None:
    context, _ = replaying(record_pair(tmp_path / "recorded", kind.value, blocks=2), tmp_path / "run")
    plan = plan_of(kind, blocks=2)
    for block in plan.blocks:
        run_block(context, plan, block)
    legs = tmp_path / "run" / "comparisons" / kind.value / "legs"
    assert sorted(path.parent.name for path in legs.glob("*/outputs.jsonl")) == probed
    assert sorted(path.parent.name for path in legs.glob("*/accuracy.jsonl")) == asked
    answers = lines(legs / "b00-candidate" / "outputs.jsonl")
    assert [(answer["repeat"], answer["text"]) for answer in answers] == [(0, " Paris."), (1, " Paris.")]


def test_a_stop_leaves_the_block_open(tmp_path: Path) -> None:
    context, events = replaying(record_pair(tmp_path / "recorded"), tmp_path / "run")
    plan = plan_of()
    context.stop.set()
    with pytest.raises(StopRequested):
        run_block(context, plan, plan.blocks[0])
    assert closed(tmp_path / "run" / "comparisons" / "patch" / "legs") == {}
    assert [event.kind for event in events] == ["launch"]


def _bench_runs(root: Path) -> list[Path]:
    return sorted((root / "run" / "comparisons" / "patch" / "legs").glob("*/bench_runs.jsonl"))
