"""The Triton implementations by the name of their family."""

from __future__ import annotations

from kernels.triton_side.decode_attention import DECODE_ATTENTION
from kernels.triton_side.launch import Plan
from kernels.triton_side.linear import LINEAR
from kernels.triton_side.qk_norm_rotary import QK_NORM_ROTARY
from kernels.triton_side.rms_norm import FUSED_ADD_RMS_NORM, RMS_NORM
from kernels.triton_side.rotary import ROTARY
from kernels.triton_side.silu_and_mul import SILU_AND_MUL
from kernels.triton_side.top_k_sampling import TOP_K_SAMPLING

PLANS: dict[str, Plan] = {
    "rms_norm": RMS_NORM,
    "fused_add_rms_norm": FUSED_ADD_RMS_NORM,
    "silu_and_mul": SILU_AND_MUL,
    "rotary": ROTARY,
    "qk_norm_rotary": QK_NORM_ROTARY,
    "decode_attention": DECODE_ATTENTION,
    "linear": LINEAR,
    "top_k_sampling": TOP_K_SAMPLING,
}
