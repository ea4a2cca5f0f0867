"""Directions follow from where the time goes, and from requests that wait."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bankable.nodes.strategist import directions
from bankable.tools.evidence.records import Scalar, ServerConfig, Workload
from bankable.tools.levers import Situation, server_arguments
from bankable.tools.measurement.run_context import RunContext


def context(flags: dict[str, Scalar], concurrency: int = 12) -> RunContext:
    """The few things that a strategist looks at."""
    load = Workload(concurrency=concurrency)
    situation = replace(Situation(), concurrency=concurrency)
    seen: Any = SimpleNamespace(
        driver=SimpleNamespace(device="cpu"),
        known_flags=server_arguments(),
        situation=lambda: situation,
        base=ServerConfig(flags=flags),
        workload=load,
    )
    return cast(RunContext, seen)


def test_a_cap_below_the_load_is_a_direction_with_the_waiting_share() -> None:
    found = {direction.name: direction for direction in directions(context({"max_running_requests": 3}), None)}
    assert found["queue"].knobs == ["max_running_requests"]
    assert found["queue"].share == pytest.approx(0.75)
    assert "9 of 12 requests" in found["queue"].reason
    assert "max_running_requests" not in found["batching"].knobs


@pytest.mark.parametrize("flags", [{}, {"max_running_requests": 12}, {"max_running_requests": 64}])
def test_without_such_a_cap_nobody_waits(flags: dict[str, Scalar]) -> None:
    found = {direction.name: direction for direction in directions(context(flags), None)}
    assert "queue" not in found
    assert "max_running_requests" in found["batching"].knobs


def test_no_knob_is_searched_twice_and_the_largest_share_comes_first() -> None:
    found = directions(context({"max_running_requests": 3}), None)
    names = [name for direction in found for name in direction.knobs]
    assert len(names) == len(set(names))
    assert found[0].name == "host", "half of the time, and the most promising knobs"
