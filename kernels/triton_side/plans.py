"""The Triton implementations by the name of their family."""

from __future__ import annotations

from kernels.triton_side.launch import Plan
from kernels.triton_side.rms_norm import fused_add_rms_norm, rms_norm
from kernels.triton_side.rotary import rotary
from kernels.triton_side.silu_and_mul import silu_and_mul

PLANS: dict[str, Plan] = {
    "rms_norm": rms_norm, "fused_add_rms_norm": fused_add_rms_norm, "silu_and_mul": silu_and_mul, "rotary": rotary,
}  # fmt: skip
