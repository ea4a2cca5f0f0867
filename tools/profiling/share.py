"""How much of the time goes to an operator that a kernel can replace."""

from __future__ import annotations

import math

from tools.profiling.records import ChainShare, Phase, Profile
from tools.profiling.route import settled_wall_share

CHAINS: dict[str, tuple[str, Phase | None]] = {
    "decode_attention": ("attention_per_request", Phase.DECODE),
    "rotary": ("rotary_embedding", None),
}
"""Chains under another name than the operator's, and the phase that belongs to it; ``None`` for all of them."""


def operator_share(profile: Profile, operator: str) -> float | None:
    """Largest corrected share of wall time among operators, chains and symbols of that name; ``None`` without one."""
    shares = [min(1.0, settled_wall_share(op)) for op in profile.ops if operator in (op.op, *op.symbols)]
    name, phase = CHAINS.get(operator, (operator, None))
    per_wall = profile.operator_us / profile.wall_us if profile.wall_us > 0 else 1.0
    shares += [min(1.0, _chain(profile, chain, phase) * per_wall) for chain in profile.chains if chain.name == name]
    return max((share for share in shares if math.isfinite(share) and share >= 0), default=None)


def promised_gain(share: float, speedup: float) -> float:
    """Gain of the whole when a part becomes that much faster (Amdahl), as a fraction."""
    return 1.0 / (1.0 - min(share, 1.0) * (1.0 - 1.0 / speedup)) - 1.0


def _chain(profile: Profile, chain: ChainShare, phase: Phase | None) -> float:
    """Share of operator time."""
    if phase is None or profile.operator_us <= 0:
        return chain.share
    return math.fsum(part.us for part in chain.phases if part.phase is phase) / profile.operator_us
