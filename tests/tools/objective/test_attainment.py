"""Good requests are counted as sglang counts them, and independently by the auditor; both come to the same."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from bankable.nodes.auditor import service
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.reading.view import LegView
from bankable.tools.evidence.records import BenchRun, Limit
from bankable.tools.objective.attainment import count_good, count_launch, find_statistic, summarise_service
from bankable.tools.slo import parse_limits

LIMITS = parse_limits("ttft=100,tpot=10,e2e=400")
ZEROS = dict.fromkeys(
    ("output_throughput", "request_throughput", "median_ttft_ms", "median_tpot_ms", "median_itl_ms"), 0.0
) | dict.fromkeys(("p99_ttft_ms", "p99_tpot_ms", "p99_itl_ms"), 0.0)


def record(requests: list[tuple[float, list[float], str]], index: int = 0, duration: float = 2.0) -> dict[str, Any]:
    """A round of (TTFT, gaps, error), in seconds."""
    stamp = {
        "leg_id": "b00-candidate",
        "index": index,
        "seed": index,
        "started": 1.0,
        "ended": 5.0,
        "request_digest": "0" * 64,
        "issued": len(requests),
        "cpu_s": 0.0,
        "flushed": True,
    }
    tokens = [0 if error else len(gaps) + 1 for _, gaps, error in requests]
    return {
        **ZEROS,
        "duration": duration,
        "completed": sum(not error for *_, error in requests),
        "total_input_tokens": 8 * len(requests),
        "total_output_tokens": sum(tokens),
        "input_lens": [8] * len(requests),
        "output_lens": tokens,
        "ttfts": [ttft for ttft, _, _ in requests],
        "itls": [gaps for _, gaps, _ in requests],
        "errors": [error for *_, error in requests],
        "server_info": {},
        "bankable": stamp,
    }


def run_of(*requests: tuple[float, list[float], str], **more: Any) -> BenchRun:
    return BenchRun.model_validate(record(list(requests), **more))


GOOD = (0.05, [0.005] * 10, "")


def test_a_request_is_good_within_every_limit() -> None:
    late, slow, long = (0.11, [0.005] * 10, ""), (0.05, [0.011] * 10, ""), (0.09, [0.0099] * 40, "")
    counted = count_good(run_of(GOOD, late, slow, long), LIMITS)
    assert (counted.good, counted.sent, counted.rate) == (1, 4, 0.5)
    assert counted.within == {"ttft": (3, 4), "tpot": (3, 4), "e2e": (3, 4)}


def test_failed_requests_were_sent_and_are_not_good() -> None:
    counted = count_good(run_of(GOOD, (0.0, [], "timeout")), LIMITS)
    assert (counted.good, counted.sent, counted.share) == (1, 2, 0.5)
    assert counted.within["ttft"] == (1, 2)


def test_one_token_has_no_time_between_tokens() -> None:
    assert count_good(run_of((0.05, [], "")), parse_limits("tpot=1")).good == 1


def test_a_round_that_misses_a_limit_on_rounds_has_no_good_request() -> None:
    tail = parse_limits("p90_ttft=100")
    fast, late = (0.05, [0.005] * 3, ""), (0.9, [0.005] * 3, "")
    assert count_good(run_of(*[fast] * 10), tail).good == 10
    missed = count_good(run_of(*[fast] * 8, late, late), tail)
    assert (missed.good, missed.within) == (0, {"p90_ttft": (0, 1)})
    assert count_good(run_of(*[fast] * 8, late, late), parse_limits("p50_ttft=100")).good == 10


def test_lost_requests_are_slower_than_any_limit_on_a_round() -> None:
    assert find_statistic([1.0] * 9, 10, "p50") == 1.0
    assert math.isinf(find_statistic([1.0] * 9, 10, "p99"))
    assert math.isinf(find_statistic([1.0] * 9, 10, "mean"))
    assert find_statistic([1.0, 3.0], 2, "mean") == 2.0
    assert math.isinf(find_statistic([], 0, "p50"))


def test_a_side_is_the_mean_rate_of_its_launches_and_the_share_of_all_requests() -> None:
    late = (0.2, [0.005] * 10, "")
    launches = [
        count_launch([run_of(GOOD, GOOD), run_of(GOOD, late, index=1)], LIMITS),
        count_launch([run_of(late, late)], LIMITS),
    ]
    level = summarise_service(launches)
    assert level.goodput == pytest.approx((3 / 4 + 0.0) / 2)
    assert level.attainment == pytest.approx(3 / 6)
    assert level.by_limit == {"ttft": 0.5, "tpot": 1.0, "e2e": 1.0}


@pytest.mark.parametrize("seed", range(4))
def test_the_auditor_counts_the_same_with_code_of_its_own(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)

    def request() -> tuple[float, list[float], str]:
        error = "timeout" if rng.random() < 0.1 else ""
        gaps = [rng.expovariate(1 / 0.008) for _ in range(rng.randint(0, 40))]
        return rng.expovariate(1 / 0.06), [] if error else gaps, error

    lines = [record([request() for _ in range(30)], index) for index in range(3)]
    (tmp_path / "leg").mkdir()
    (tmp_path / "leg" / "bench_runs.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    runs = [BenchRun.model_validate(line) for line in lines]
    for text in ("ttft=60", "ttft=100,tpot=9,e2e=400", "p50_ttft=45,tpot=9", "mean_e2e=300", "p75_tpot=9.5,ttft=80"):
        limits: tuple[Limit, ...] = parse_limits(text)
        mine = count_launch(runs, limits)
        theirs = service.count_launch(LegView(Reader(tmp_path), "leg"), limits)
        assert theirs is not None
        assert (theirs.good, theirs.sent, theirs.rate) == (mine.good, mine.sent, pytest.approx(mine.rate))
        assert {limit.key: (theirs.kept[limit.key], theirs.of[limit.key]) for limit in limits} == mine.within
        assert 0 < mine.good < mine.sent or "mean" in text or text.startswith("p")


def test_requests_that_were_planned_and_never_sent_count(tmp_path: Path) -> None:
    (tmp_path / "leg").mkdir()
    (tmp_path / "leg" / "bench_runs.jsonl").write_bytes(orjson.dumps(record([GOOD, GOOD])) + b"\n")
    counted = service.count_launch(LegView(Reader(tmp_path), "leg"), LIMITS, planned=4)
    assert counted is not None
    assert (counted.good, counted.sent, counted.attainment) == (2, 4, 0.5)
