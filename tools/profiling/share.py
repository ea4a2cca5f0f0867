"""Share of the time of an operator that a kernel can replace."""

from __future__ import annotations

import math

from bankable.tools.profiling.records import ChainShare, OpShare, Profile, StepPhase
from bankable.tools.profiling.replaced import Replaced, replaced_work
from bankable.tools.profiling.route import settled_wall_share

PACKAGE = "sgl_kernel"
"""Namespace of the engine's own kernels."""


def operator_share(profile: Profile, operator: str) -> float | None:
    """Largest corrected share of wall time among operators, chains and symbols of that name; ``None`` without one."""
    replaced = replaced_work().get(operator, Replaced())
    of_ops = replaced.phase if replaced.ops else None
    of_chains = replaced.phase if replaced.chains else None
    shares = [
        min(1.0, settled_wall_share(op) * _within(op, of_ops))
        for op in profile.ops
        if not {op.op, *op.symbols}.isdisjoint(replaced.ops or (operator,))
    ]
    own = [
        settled_wall_share(op) * _within(op, replaced.phase)
        for op in profile.ops
        if not {op.op, *op.symbols}.isdisjoint(f"{PACKAGE}::{name}" for name in replaced.kernels)
    ]
    if own:
        shares.append(min(1.0, math.fsum(own)))
    per_wall = profile.operator_us / profile.wall_us if profile.wall_us > 0 else 1.0
    parts = [
        max((_chain(profile, chain, of_chains) for chain in profile.chains if chain.name == name), default=0.0)
        for name in replaced.chains or (operator,)
    ]
    if all(parts):  # an operator of several chains is there where all of them are
        shares.append(min(1.0, math.fsum(parts) * per_wall))
    return max((share for share in shares if math.isfinite(share) and share >= 0), default=None)


def promised_gain(share: float, speedup: float) -> float:
    """Gain of the whole when a part becomes that much faster (Amdahl), as a fraction."""
    return 1.0 / (1.0 - min(share, 1.0) * (1.0 - 1.0 / speedup)) - 1.0


def _chain(profile: Profile, chain: ChainShare, phase: StepPhase | None) -> float:
    """Share of operator time."""
    if phase is None or profile.operator_us <= 0:
        return chain.share
    return math.fsum(part.us for part in chain.phases if part.phase is phase) / profile.operator_us


def _within(op: OpShare, phase: StepPhase | None) -> float:
    """Part of an operator's time that lies in a phase."""
    if phase is None or op.us <= 0:
        return 1.0
    return min(1.0, math.fsum(part.us for part in op.phases if part.phase is phase) / op.us)
