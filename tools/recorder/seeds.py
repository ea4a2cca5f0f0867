"""Data seeds from the recorder's nonce: who writes a plan cannot choose the prompts that it is measured with.

    seed(block, k) = 1 + sha256("nonce/block/k/try") mod (2³¹ − 2)

k = 0 is the warm-up, k = 1, 2, … are the timed rounds; ``try`` counts up from 0 while a seed was drawn before.
"""

from __future__ import annotations

import hashlib

from bankable.tools.evidence.records import Block, Plan

MOST = 2**31 - 2
"""Seeds are 1 to this: what every generator of the load accepts."""


def with_drawn_seeds(plan: Plan, nonce: str) -> Plan:
    """The plan with the seeds that a nonce gives; everything else stays as it was declared."""
    drawn: set[int] = set()
    return plan.model_copy(update={"blocks": tuple(_block(block, nonce, drawn) for block in plan.blocks)})


def _block(block: Block, nonce: str, drawn: set[int]) -> Block:
    warmup, *rounds = (_draw(nonce, block.index, k, drawn) for k in range(1 + len(block.seeds)))
    return block.model_copy(update={"warmup_seed": warmup, "seeds": tuple(rounds)})


def _draw(nonce: str, block: int, k: int, drawn: set[int]) -> int:
    attempt = 0
    while (seed := _hash(f"{nonce}/{block}/{k}/{attempt}")) in drawn:
        attempt += 1
    drawn.add(seed)
    return seed


def _hash(text: str) -> int:
    return 1 + int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % MOST
