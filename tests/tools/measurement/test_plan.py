"""A plan is balanced, cancels drift, repeats no prompt and is the same every time."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import ComparisonKind, LaunchPlan, Lever, Plan, ServerConfig, Side, Workload
from bankable.tools.measurement.plan import make_plan, round_order

LEVER = Lever(flags={"chunked_prefill_size": 64})


def plan(**changes: Any) -> Plan:
    given_: dict[str, Any] = {
        "name": "patch-chunk",
        "run_id": "r1",
        "kind": ComparisonKind.PATCH,
        "model": "m",
        "reference": ServerConfig(),
        "lever": LEVER,
        "workload": Workload(),
        "launch_plan": LaunchPlan.CORESIDENT,
        "seed": 1,
    }
    return make_plan(**{**given_, **changes})


def letters(order: tuple[Side, ...]) -> str:
    return "".join("A" if side is order[0] else "B" for side in order)


def imbalance(order: tuple[Side, ...], power: int = 1) -> int:
    """Twice the difference of the legs' mean times, in rounds: what a drift of one a round would fake."""
    return sum((2 * i) ** power * (1 if side is Side.CANDIDATE else -1) for i, side in enumerate(order))


def test_six_rounds_a_leg_have_the_published_order() -> None:
    assert letters(plan().blocks[0].rounds) == "ABBAABBABAAB"


def test_an_alternating_block_measures_one_leg_after_the_other() -> None:
    block = plan(launch_plan=LaunchPlan.ALTERNATING).blocks[0]
    assert block.rounds == (block.order[0],) * 3 + (block.order[1],) * 3


@settings(deadline=None)
@given(st.integers(1, 40), st.sampled_from(LaunchPlan), st.sampled_from(Side))
def test_both_legs_get_every_round(rounds: int, launch_plan: LaunchPlan, first: Side) -> None:
    order = round_order(first, launch_plan, rounds)
    assert Counter(order) == {Side.REFERENCE: rounds, Side.CANDIDATE: rounds}
    assert order[0] is first


@settings(deadline=None)
@given(st.integers(1, 40), st.sampled_from(Side))
def test_a_linear_drift_cancels_within_an_even_coresident_block(rounds: int, first: Side) -> None:
    drift = imbalance(round_order(first, LaunchPlan.CORESIDENT, rounds))
    assert drift == 0 if rounds % 2 == 0 else abs(drift) == 2


def test_a_quadratic_drift_cancels_where_the_groups_pair_up() -> None:
    assert imbalance(round_order(Side.REFERENCE, LaunchPlan.CORESIDENT, 8), power=2) == 0


@settings(deadline=None)
@given(st.integers(0, 2**63), st.integers(1, 12), st.sampled_from(LaunchPlan))
def test_any_drift_of_the_block_cancels_over_a_mirrored_pair(seed: int, rounds: int, launch_plan: LaunchPlan) -> None:
    blocks = plan(seed=seed, rounds_per_leg=rounds, launch_plan=launch_plan).blocks
    for even, odd in zip(blocks[::2], blocks[1::2], strict=False):
        for power in (1, 2, 3):
            assert imbalance(even.rounds, power) + imbalance(odd.rounds, power) == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(), st.sampled_from(LaunchPlan), st.sampled_from([(5, 7, 10), (6,), (1,), (3, 9)]))
def test_launch_orders_are_balanced_after_every_block(
    seed: int, launch_plan: LaunchPlan, looks: tuple[int, ...]
) -> None:
    made = plan(seed=seed, launch_plan=launch_plan, looks=looks)
    assert [block.index for block in made.blocks] == list(range(looks[-1]))
    lead = 0
    for block in made.blocks:
        assert set(block.order) == set(Side)
        assert block.rounds[0] is block.order[0]
        lead += 1 if block.order[0] is Side.REFERENCE else -1
        assert abs(lead) <= 1


@settings(max_examples=40, deadline=None)
@given(st.integers(), st.integers(1, 9))
def test_no_prompt_is_ever_repeated(seed: int, rounds: int) -> None:
    made = plan(seed=seed, rounds_per_leg=rounds)
    seeds = [s for block in made.blocks for s in (*block.seeds, block.warmup_seed)]
    assert len(seeds) == len(set(seeds)) == 10 * (rounds + 1)
    assert all(len(block.seeds) == rounds for block in made.blocks)
    assert all(0 < s < 2**31 for s in seeds)


def test_the_same_arguments_give_the_same_plan() -> None:
    assert plan(seed=5).model_dump_json() == plan(seed=5).model_dump_json()


def test_another_seed_or_another_comparison_sees_other_prompts() -> None:
    seen = {s for block in plan(seed=5).blocks for s in block.seeds}
    for other in (plan(seed=6), plan(seed=5, name="patch-other")):
        assert not seen & {s for block in other.blocks for s in block.seeds}


def test_the_first_leg_is_drawn_not_fixed() -> None:
    firsts = {tuple(block.order[0] for block in plan(seed=seed).blocks) for seed in range(30)}
    assert len(firsts) > 10


@pytest.mark.parametrize(("looks", "alpha"), [((5, 7, 10), 0.024), ((6,), 0.05), ((10,), 0.05), ((6, 10), 0.029)])
def test_the_level_follows_from_the_looks(looks: tuple[int, ...], alpha: float) -> None:
    assert plan(looks=looks).alpha == alpha
    assert plan(looks=looks, alpha=0.01).alpha == 0.01


def test_defaults_follow_the_launch_plan() -> None:
    assert plan().rounds_per_leg == 6
    assert plan(launch_plan=LaunchPlan.ALTERNATING).rounds_per_leg == 3
    assert (plan().looks, plan().floor, plan().warmup_rounds) == ((5, 7, 10), 0.01, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"looks": ()}, "ascending"),
        ({"looks": (7, 5)}, "ascending"),
        ({"looks": (5, 5000)}, "1 to 1000"),
        ({"looks": tuple(range(5, 40))}, "at most 20"),
        ({"rounds_per_leg": 0}, "1 to 1000"),
        ({"kind": ComparisonKind.CONTROL}, "chunked_prefill_size"),
        ({"lever": Lever()}, "needs a lever"),
        ({"floor": -0.1}, "floor"),
        ({"alpha": 0.9}, "level"),
    ],
)
def test_an_impossible_plan_is_refused_with_advice(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan(**changes)
