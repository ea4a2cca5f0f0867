"""Costs and prospects are told before a comparison starts."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.evidence.records import Kind, LaunchPlan, Lever, Plan, ServerConfig, Workload
from tools.measurement.plan import make_plan
from tools.measurement.schedule import (
    Costs,
    block_seconds,
    blocks_affordable,
    default_launch_plan,
    expected_seconds,
    outlook,
)

COSTS = Costs(launch_s=40.0, round_s=4.0, probe_s=10.0)


def plan(launch_plan: LaunchPlan = LaunchPlan.CORESIDENT, **changes: Any) -> Plan:
    return make_plan(
        name="c", run_id="r", kind=Kind.CONTROL, model="m", reference=ServerConfig(), lever=Lever(),
        workload=Workload(), launch_plan=launch_plan, seed=1, **changes,
    )  # fmt: skip


@pytest.mark.parametrize(("device", "expected"), [
    ("cpu", LaunchPlan.CORESIDENT), ("cuda", LaunchPlan.ALTERNATING), ("rocm", LaunchPlan.ALTERNATING),
])  # fmt: skip
def test_only_a_cpu_holds_two_servers(device: str, expected: LaunchPlan) -> None:
    assert default_launch_plan(device) is expected


def test_a_block_by_hand() -> None:
    # One joint start, 2 · (1 + 6) rounds, two probes; against two starts and 2 · (1 + 3) rounds.
    assert block_seconds(plan(), COSTS) == 40 + 14 * 4 + 20
    assert block_seconds(plan(LaunchPlan.ALTERNATING), COSTS) == 80 + 8 * 4 + 20
    assert expected_seconds(plan(), 40, 4, 10) == 10 * 116


@settings(deadline=None)
@given(st.floats(0, 5000))
def test_the_affordable_blocks_fit_and_one_more_does_not(budget: float) -> None:
    n = blocks_affordable(budget, plan(), 40, 4, 10)
    assert 0 <= n <= 10
    assert n * 116 <= budget
    assert n == 10 or (n + 1) * 116 > budget


def test_free_blocks_are_all_affordable() -> None:
    assert blocks_affordable(1.0, plan(), 0, 0, 0) == 10
    assert blocks_affordable(0.0, plan(), 0, 0, 0) == 0
    assert blocks_affordable(math.inf, plan(), 1, 1, 1) == 10


def test_an_outlook_names_the_gain_that_the_budget_can_find() -> None:
    seen = outlook(plan(looks=(6,)), 3600.0, COSTS, block_sd=0.032)
    assert (seen.blocks, seen.reachable_look, seen.can_decide) == (6, 6, True)
    assert seen.detectable_gain == pytest.approx(math.exp(math.log(1.01) + 1.186 * 0.032) - 1, abs=1e-4)
    assert seen.sentence() == "6 blocks in about 12 min find a gain of 4.9 % or more with 80 % chance."


def test_a_budget_that_cannot_decide_says_so() -> None:
    seen = outlook(plan(), 4.5 * 116, COSTS, block_sd=0.032)
    assert (seen.blocks, seen.reachable_look, seen.can_decide, seen.detectable_gain) == (4, None, False, math.inf)
    assert "cannot prove a win" in seen.sentence()
    assert not outlook(plan(looks=(3,)), 1e6, COSTS, 0.01).can_decide


def test_a_partial_budget_reaches_the_last_look_within_it() -> None:
    seen = outlook(plan(), 8 * 116.0, COSTS, block_sd=0.02)
    assert (seen.blocks, seen.reachable_look, seen.seconds) == (8, 7, 7 * 116)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_costs_are_seconds(bad: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        Costs(launch_s=bad, round_s=1.0)
