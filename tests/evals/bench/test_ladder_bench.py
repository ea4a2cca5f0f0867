"""The bench of ladders: drift is taken out of a landscape, and policies are charged what they launch."""

from __future__ import annotations

import math
from pathlib import Path

import orjson
import pytest

from bankable.evals.bench.ladder_model import model_landscape
from bankable.evals.bench.ladder_record import LADDER_LOADS
from bankable.evals.bench.ladder_records import (
    LadderHeader,
    LadderLandscape,
    LadderLaunch,
    read_ladder_landscape,
)
from bankable.evals.bench.ladder_search import (
    Bed,
    bench_ladder,
    find_hypervolume,
    find_undominated,
    ladder_table,
    search_ladder,
)
from bankable.evals.bench.records import GridKnob, RoundRow
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import EngineIdentity

GRID = [
    GridKnob(name="stream_interval", values=[1, 8, 32]),
    GridKnob(name="max_running_requests", values=[None, 4]),
    GridKnob(name="disable_overlap_schedule", values=[None, True]),
]
POINTS = [(interval, cap, overlap) for interval in range(3) for cap in range(2) for overlap in range(2)]


def one_round(rate: float, tpot: float) -> RoundRow:
    return RoundRow(
        started=0.0,
        seconds=2.0,
        output_throughput=rate,
        median_ttft_ms=10.0,
        median_tpot_ms=tpot,
        cpu_s=1.0,
        peer_cpu_s=0.0,
        load_1m=1.0,
    )


def write_landscape(path: Path) -> Path:
    """Interval 8 is a fifth faster everywhere; each batch drifts by 10 %; no noise beside."""
    header = LadderHeader(
        grid=GRID,
        loads=list(LADDER_LOADS),
        model="tiny",
        device="cpu",
        engine=EngineIdentity(python="3.11", sglang="0.5.23", torch="2.13", tree_digest=None),
        cores=2,
        together=4,
        launches=2,
        rounds=1,
        seed=1,
    )
    rows = []
    for launch in range(2):
        for place, point in enumerate(POINTS if launch == 0 else POINTS[::-1]):
            batch = 3 * launch + place // 4
            gain = (1.2 if point[0] == 1 else 1.0) * 1.1**batch
            rounds = [[one_round(gain * 100.0 * (1 + load), 10.0 * (1 + load) / gain)] for load in range(4)]
            rows.append(
                LadderLaunch(
                    batch=batch,
                    launch=launch,
                    point=list(point),
                    flags={},
                    rounds=rounds,
                    batch_startup_s=40.0,
                    warmup_s=3.0,
                )
            )
    lines = [header, *rows]
    path.write_bytes(b"".join(orjson.dumps(line.model_dump(mode="json")) + b"\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> LadderLandscape:
    return read_ladder_landscape(write_landscape(tmp_path_factory.mktemp("landscape") / "ladder.jsonl"))


def test_drift_between_batches_is_taken_out(landscape: LadderLandscape) -> None:
    rates = {point: truth[2][0] for point, truth in zip(landscape.points, landscape.truths, strict=True)}
    assert rates[1, 0, 0] - rates[0, 0, 0] == pytest.approx(math.log(1.2), abs=1e-6)
    assert rates[2, 1, 1] - rates[0, 0, 0] == pytest.approx(0.0, abs=1e-6)
    assert max(abs(one.deviations[0][0]) for some in landscape.launches for one in some) < 1e-6


def test_a_launch_costs_its_share_of_the_start_and_the_loads_that_it_serves(landscape: LadderLandscape) -> None:
    bed = Bed(landscape, 1)
    bed.launch(0, [1, 2])
    assert bed.spent_s == pytest.approx(40.0 / 4 + 3.0 + 2 * 2.0)
    assert landscape.cost_of_pass() == pytest.approx(12 * (13.0 + 4 * 2.0))


def test_the_hypervolume_is_the_area_that_points_dominate() -> None:
    points = [(math.log(3.0), math.log(1.0)), (math.log(2.0), math.log(2.0)), (math.log(1.0), math.log(1.5))]
    assert find_hypervolume(points) == pytest.approx(3.0 + 2.0)
    assert find_undominated({(0, index): value for index, value in enumerate(points)}) == [(0, 0), (0, 1)]


@pytest.mark.parametrize("policy", ["ours", "grid, argmax", "random"])
def test_every_policy_finds_the_frontier_where_nothing_is_noisy(landscape: LadderLandscape, policy: str) -> None:
    settled, spent, missing = search_ladder(policy, landscape, 3)
    assert settled <= spent
    assert missing == pytest.approx(0.0, abs=1e-6)


def test_scores_are_printed_with_what_a_pass_costs(landscape: LadderLandscape) -> None:
    scores = bench_ladder(landscape, 1)
    assert {score.policy: score.reached for score in scores} == dict.fromkeys(
        ("ours", "grid, argmax", "TPE, two aims", "random"), 1.0
    )
    assert (
        "tiny: 12 configurations at 4 loads; one launch of each at all loads takes 4.2 server-minutes"
        in ladder_table(scores, landscape)
    )


def test_a_made_up_landscape_holds_a_trade_and_near_ties() -> None:
    made = model_landscape()
    rates = dict(zip(made.points, made.truths, strict=True))
    assert math.exp(rates[1, 0][3][0] - rates[0, 0][3][0]) == pytest.approx(
        (3 + 16 * 1.45) / (3 + 16 * (0.55 + 0.9 / 8)), abs=1e-9
    )
    assert rates[1, 1][3] == rates[1, 1][1], "a cap of four running requests"
    assert rates[1, 1][3][1] > rates[1, 0][3][1], "more interactivity"
    assert rates[1, 1][3][0] < rates[1, 0][3][0], "less throughput"


def test_a_file_that_is_no_landscape_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no header"):
        read_ladder_landscape(tmp_path / "missing.jsonl")
    (tmp_path / "other.jsonl").write_text('{"kind": "header"}\n')
    with pytest.raises(UserError, match="Cannot read the ladder landscape"):
        read_ladder_landscape(tmp_path / "other.jsonl")
