"""Prospects are told before a comparison starts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.tools.evidence.records import LaunchPlan
from bankable.tools.measurement.outlook import default_launch_plan, outlook


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("cpu", LaunchPlan.CORESIDENT),
        ("cuda", LaunchPlan.ALTERNATING),
        ("rocm", LaunchPlan.ALTERNATING),
    ],
)
def test_only_a_cpu_holds_two_servers(device: str, expected: LaunchPlan) -> None:
    assert default_launch_plan(device) is expected


def test_an_outlook_names_the_gain_that_the_time_can_find() -> None:
    seen = outlook((6,), 0.01, 3600.0, 116.0, block_sd=0.032)
    assert seen.detectable_gain == pytest.approx(math.exp(math.log(1.01) + 1.186 * 0.032) - 1, abs=1e-4)
    assert seen.sentence() == "6 blocks in about 12 min find a gain of 4.9 % or more with 80 % chance"


def test_time_that_cannot_decide_says_so() -> None:
    seen = outlook((5, 7, 10), 0.01, 4.5 * 116, 116.0, block_sd=0.032)
    assert (seen.blocks, seen.detectable_gain) == (None, math.inf)
    assert "more than half of the time left" in seen.sentence()
    assert outlook((3,), 0.01, 1e6, 116.0, 0.01).detectable_gain == math.inf


@settings(deadline=None, max_examples=20)
@given(st.floats(0, 5000))
def test_the_reachable_look_is_the_last_one_that_fits(seconds: float) -> None:
    seen = outlook((5, 7, 10), 0.01, seconds, 116.0, 0.02)
    fitting = [n for n in (5, 7, 10) if n * 116 <= seconds]
    assert seen.blocks == (fitting[-1] if fitting else None)
