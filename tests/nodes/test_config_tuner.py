"""Which screened lever is confirmed, what it is called, and how a FAIL is answered."""

from __future__ import annotations

import pytest

from bankable.nodes.config_tuner import LeverProspect, patch_name, propose, revise
from bankable.tools.evidence.records import Lever
from bankable.tools.levers.settings import lever_of

FLOOR = 0.03


def prospect(gain: float, **flags: bool | int | float | str) -> LeverProspect:
    return LeverProspect(Lever(flags=flags), gain)


def test_the_first_single_change_above_the_floor_that_was_not_tried_is_proposed() -> None:
    prospects = [
        prospect(0.20, a=1, b=2),
        prospect(0.10, stream_interval=8),
        prospect(0.08, chunked_prefill_size=64),
        prospect(0.01, page_size=2),
    ]
    assert propose(prospects, [], FLOOR) == Lever(flags={"stream_interval": 8})
    assert propose(prospects, ["patch-stream_interval-8"], FLOOR) == Lever(flags={"chunked_prefill_size": 64})
    assert propose(prospects[3:], [], FLOOR) is None
    assert propose([prospect(FLOOR, a=1)], [], FLOOR) is None


@pytest.mark.parametrize(
    ("lever", "attempt", "name"),
    [
        (Lever(flags={"stream_interval": 8}), 1, "patch-stream_interval-8"),
        (Lever(flags={"stream_interval": 8}), 2, "patch-stream_interval-8-2"),
        (Lever(flags={"b": 1}, env={"A": "x/y"}), 1, "patch-A-x_y-b-1"),
    ],
)
def test_a_confirmation_is_named_after_its_lever(lever: Lever, attempt: int, name: str) -> None:
    assert patch_name(lever, attempt) == name


def test_variables_go_to_the_environment_and_settings_to_the_flags() -> None:
    assert lever_of({"stream_interval": 8, "OMP_NUM_THREADS": 2}) == Lever(
        flags={"stream_interval": 8}, env={"OMP_NUM_THREADS": "2"}
    )


@pytest.mark.parametrize(
    ("flags", "rules", "tokens", "pool"),
    [
        ({"mem_fraction_static": 0.5}, ["same_conditions"], 4096, 4096),
        ({"mem_fraction_static": 0.5}, ["same_work"], 4096, None),
        ({"mem_fraction_static": 0.5}, ["same_conditions"], None, None),
        ({"stream_interval": 8}, ["same_conditions"], 4096, None),
        ({"mem_fraction_static": 0.5, "max_total_tokens": 100}, ["same_conditions"], 4096, None),
    ],
)
def test_only_a_moved_kv_pool_is_repaired_by_holding_it_at_the_references(
    flags: dict[str, bool | int | float | str], rules: list[str], tokens: int | None, pool: int | None
) -> None:
    revised = revise(Lever(flags=flags), rules, tokens)
    assert (revised.flags["max_total_tokens"] if revised else None) == pool
