"""How much of the time goes to an operator that a kernel can replace."""

from __future__ import annotations

import math

from bankable.tools.profiling.records import ChainShare, OpShare, Phase, Profile
from bankable.tools.profiling.route import settled_wall_share

CHAINS: dict[str, tuple[tuple[str, Phase | None], ...]] = {
    "decode_attention": (("attention_per_request", Phase.DECODE),),
    "rotary": (("rotary_embedding", None),),
    "qk_norm_rotary": (("rms_norm", None), ("rotary_embedding", None)),
}
"""Chains of other names that an operator replaces, and the phase that belongs to it; ``None`` for all of them. A few of
the norms are not its own, those before and after all layers; they are counted in."""
OPS: dict[str, tuple[tuple[str, ...], Phase | None]] = {
    "linear": (("aten::mm", "aten::linear", "aten::addmm"), Phase.DECODE),
    "top_k_sampling": (("aten::topk",), None),
}
"""Operators of the framework that an operator replaces, where they have other names. Of sampling it is the selection,
which no greedy request has; the sums and masks behind it are small ones that others have too."""


def operator_share(profile: Profile, operator: str) -> float | None:
    """Largest corrected share of wall time among operators, chains and symbols of that name; ``None`` without one."""
    names, of_phase = OPS.get(operator, ((operator,), None))
    shares = [
        min(1.0, settled_wall_share(op) * _within(op, of_phase))
        for op in profile.ops
        if not {op.op, *op.symbols}.isdisjoint(names)
    ]
    per_wall = profile.operator_us / profile.wall_us if profile.wall_us > 0 else 1.0
    parts = [
        max((_chain(profile, chain, phase) for chain in profile.chains if chain.name == name), default=0.0)
        for name, phase in CHAINS.get(operator, ((operator, None),))
    ]
    if all(parts):  # an operator of several chains is there where all of them are
        shares.append(min(1.0, math.fsum(parts) * per_wall))
    return max((share for share in shares if math.isfinite(share) and share >= 0), default=None)


def promised_gain(share: float, speedup: float) -> float:
    """Gain of the whole when a part becomes that much faster (Amdahl), as a fraction."""
    return 1.0 / (1.0 - min(share, 1.0) * (1.0 - 1.0 / speedup)) - 1.0


def _chain(profile: Profile, chain: ChainShare, phase: Phase | None) -> float:
    """Share of operator time."""
    if phase is None or profile.operator_us <= 0:
        return chain.share
    return math.fsum(part.us for part in chain.phases if part.phase is phase) / profile.operator_us


def _within(op: OpShare, phase: Phase | None) -> float:
    """Part of an operator's time that lies in a phase."""
    if phase is None or op.us <= 0:
        return 1.0
    return min(1.0, math.fsum(part.us for part in op.phases if part.phase is phase) / op.us)
