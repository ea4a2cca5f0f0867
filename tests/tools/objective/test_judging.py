"""Levels, guards, scores and headlines of a comparison, from rounds as they are recorded."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from bankable.evals.fixtures.build.run import LEVER, RunRecipe, plan_of
from bankable.tools.evidence.records import (
    GOODPUT,
    REQUEST_SPEED,
    BenchRun,
    ComparisonKind,
    Guard,
    LatencySummary,
    Plan,
    Side,
)
from bankable.tools.objective.claim import describe_result, make_claim
from bankable.tools.objective.judging import find_levels, judge, score_rounds
from bankable.tools.slo import parse_limits
from bankable.tools.statistics.latency import recompute
from tests.tools.objective.test_attainment import record

RECIPE = RunRecipe("patch", ComparisonKind.PATCH, LEVER, limits=parse_limits("ttft=100"), looks=(5, 7), alpha=0.024)


def plan(metric: str, *guards: Guard) -> Plan:
    return plan_of(replace(RECIPE, metric=metric, guards=guards))


def run_with(good: int, *, gap: float = 0.005, index: int = 0) -> BenchRun:
    """A round of two seconds with 20 requests, of which so many are within 100 ms."""
    requests = [(0.05 if place < good else 0.5, [gap] * 8, "") for place in range(20)]
    run = BenchRun.model_validate(record(requests, index))
    return run.model_copy(update={"output_throughput": recompute(run).output_throughput})


def rounds(reference: list[int], candidate: list[int], **more: Any) -> dict[Side, list[list[BenchRun]]]:
    """One round a launch."""
    return {
        Side.REFERENCE: [[run_with(good)] for good in reference],
        Side.CANDIDATE: [[run_with(good, **more)] for good in candidate],
    }


def test_goodput_levels_are_rates_and_speed_is_a_logarithm() -> None:
    measured = rounds([4, 6], [10, 0])
    sides = measured[Side.REFERENCE], measured[Side.CANDIDATE]
    levels = find_levels(plan(GOODPUT), GOODPUT, *sides)
    assert (levels.reference, levels.candidate) == ((2.0, 3.0), (5.0, 0.0))
    speed = find_levels(plan(REQUEST_SPEED), REQUEST_SPEED, *sides)
    assert speed.reference[0] == pytest.approx(math.log(1 / 0.54))


def test_limits_are_named_where_a_guard_counts_by_them() -> None:
    measured = rounds([4] * 5, [4] * 5)
    for metric, guards in (("output_throughput", (Guard(metric=GOODPUT, margin=0.5),)), (GOODPUT, ())):
        asked = plan(metric, *guards)
        assert "within TTFT 100 ms" in describe_result(asked, judge(asked, measured))
    plain = plan("output_throughput")
    assert "within" not in describe_result(plain, judge(plain, measured))


def test_half_a_request_gives_every_pair_of_rounds_a_score() -> None:
    asked = plan(GOODPUT)
    assert score_rounds(asked, run_with(0), run_with(10)) == pytest.approx(math.log(10.5 / 0.5))
    assert score_rounds(asked, run_with(0), run_with(0)) == 0.0


def test_a_guard_without_a_figure_is_undecided_and_withholds_the_gain() -> None:
    """Answers of a single token have no time between tokens."""
    alone = {
        side: [[BenchRun.model_validate(record([(ttft, [], "")] * 20))] for _ in range(5)]
        for side, ttft in ((Side.REFERENCE, 0.5), (Side.CANDIDATE, 0.05))
    }
    judgment = judge(plan(GOODPUT, Guard(metric="median_tpot_ms", margin=0.05)), alone)
    assert [guard.outcome for guard in judgment.guards] == ["undecided"]
    assert judgment.decision.verdict == "undecided"


def test_the_claim_states_guards_and_limits() -> None:
    asked = plan(GOODPUT, Guard(metric="median_tpot_ms", margin=0.05))
    measured = rounds([4, 5, 4, 5, 4], [10, 11, 10, 10, 11], gap=0.0051)
    sides = {side: LatencySummary(**dict.fromkeys(LatencySummary.model_fields, 1.0)) for side in Side}
    claim = make_claim(asked, judge(asked, measured), measured, sides, {})
    assert claim.decision == "real"
    assert claim.delta == pytest.approx(52 / 22 - 1)
    assert claim.guards[0].harm == pytest.approx(0.02)
    assert claim.service is not None
    assert claim.service.candidate.attainment == pytest.approx(52 / 100)
    assert claim.headline.startswith("stream_interval=8: goodput +136.4% [")
    assert claim.headline.endswith("] (within TTFT 100 ms) over 5 blocks; guards held: median_tpot_ms")
