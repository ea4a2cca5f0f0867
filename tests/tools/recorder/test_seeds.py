"""Data seeds follow from the recorder's nonce alone."""

from __future__ import annotations

import hashlib

from bankable.tools.recorder.seeds import MOST, with_drawn_seeds
from tests.tools.measurement.recordings import plan_of


def test_seeds_follow_from_the_nonce_and_nothing_else_of_the_plan_changes() -> None:
    plan = plan_of(blocks=3)
    drawn = with_drawn_seeds(plan, "ab" * 32)
    expected = 1 + int.from_bytes(hashlib.sha256(f"{'ab' * 32}/1/2/0".encode()).digest()[:8], "big") % MOST
    assert drawn.blocks[1].seeds[1] == expected
    assert drawn == with_drawn_seeds(plan_of(blocks=3).model_copy(update={"blocks": plan.blocks}), "ab" * 32)
    assert [block.model_copy(update={"seeds": (), "warmup_seed": 0}) for block in drawn.blocks] == [
        block.model_copy(update={"seeds": (), "warmup_seed": 0}) for block in plan.blocks
    ]
    assert drawn.model_copy(update={"blocks": plan.blocks}) == plan


def test_no_seed_is_drawn_twice_and_another_nonce_gives_others() -> None:
    plan = plan_of(blocks=40)
    one, other = (
        [seed for block in with_drawn_seeds(plan, nonce).blocks for seed in (block.warmup_seed, *block.seeds)]
        for nonce in ("00" * 32, "01" * 32)
    )
    assert len(set(one)) == len(one) == 120
    assert not set(one) & set(other)
    assert all(0 < seed <= MOST for seed in one)
