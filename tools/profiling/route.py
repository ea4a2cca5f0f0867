"""``route.json``: which role handles each operator, with the share and the origin that decided it.

An operator can be replaced where the code that runs can be edited or stood in for: the engine's own kernels, Triton
kernels, framework calls at a patch point of the engine. Vendor libraries are reached by configuration only. The origin
follows from the symbols, so that it can be derived again.
"""

from __future__ import annotations

import re
from typing import Literal

from bankable.tools.evidence.records import SCHEMA_VERSION, Record
from bankable.tools.profiling.records import OperatorFamily, OpShare, Profile

Origin = Literal["engine", "triton", "framework", "library", "runtime", "unknown"]
Target = Literal["operator", "configuration", "skipped"]
"""``operator``: a candidate for a faster implementation. ``configuration``: only settings act on it."""

ROUTED = 0.01
"""Share of wall time from which an operator has to be routed."""
_ORIGINS: tuple[tuple[Origin, re.Pattern[str]], ...] = (
    ("runtime", re.compile(r"^(?:cuda|hip|cu|nccl|rccl)[A-Z]|^Mem(?:cpy|set)|^c10d::|ncclDevKernel|ncclKernel")),
    (
        "library",
        re.compile(
            r"cublas|cutlass|cudnn|gemm_kernel|sm\d+_xmma|ampere_|hopper_|nvjet|mkldnn|onednn|mkl_|rocblas|hipblas|Tensile|Cijk_"
            r"|flash_fwd|flash::|fmha",
            re.IGNORECASE,
        ),
    ),
    ("engine", re.compile(r"^sgl_kernel::|sgl_|sglang|^vllm::")),
    ("triton", re.compile(r"triton_|^_[a-z0-9_]+_kernel(?:_\d+)?$|_kernel_0d1d|^[a-z0-9_]+_kernel$")),
    ("framework", re.compile(r"^aten::|^torch|at::native|^prim::|^void at::")),
)
EDITABLE: frozenset[Origin] = frozenset({"engine", "triton", "framework"})


class Routed(Record):
    """One operator of the profile."""

    op: str
    """Name of the operator in the profile."""
    share: float
    """Corrected share of wall time, as a fraction."""
    origin: Origin
    """Who wrote it, as far as its name tells."""
    target: Target
    """Which track could make it faster."""
    reason: str
    """Why that track, in one sentence."""


class Route(Record):
    """``route.json``."""

    schema_version: int = SCHEMA_VERSION
    """Version of the run folder that this file belongs to."""
    ops: tuple[Routed, ...]
    """Largest share first."""


def route_of(profile: Profile) -> Route:
    """Route every operator of a profile that has at least a hundredth of the wall time."""
    shares = sorted(((settled_wall_share(op), op) for op in profile.ops), key=lambda pair: (-pair[0], pair[1].op))
    return Route(ops=tuple(_route(op, share) for share, op in shares if share >= ROUTED))


def settled_wall_share(op: OpShare) -> float:
    """Share of wall time without the waiting of calls that took far longer than their median (P02)."""
    return op.wall_share * (op.settled_share / op.share if op.share > 0 else 1.0)


def origin_of(op: OpShare) -> Origin:
    """Where the code of an operator comes from, by its largest symbol."""
    name = op.symbols[0] if op.symbols else op.op
    return next((origin for origin, pattern in _ORIGINS if pattern.search(name)), "unknown")


def _route(op: OpShare, share: float) -> Routed:
    origin = origin_of(op)
    target: Target = "operator" if origin in EDITABLE and op.family is not OperatorFamily.HOST else "configuration"
    why = "host bookkeeping" if op.family is OperatorFamily.HOST else f"{origin} code"
    return Routed(op=op.op, share=round(share, 6), origin=origin, target=target, reason=why)
