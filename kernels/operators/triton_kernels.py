"""The Triton implementations by the name of their family."""

from __future__ import annotations

from bankable.kernels.operators.decode_attention.triton_kernel import DECODE_ATTENTION
from bankable.kernels.operators.linear.triton_kernel import LINEAR
from bankable.kernels.operators.qk_norm_rotary.triton_kernel import QK_NORM_ROTARY
from bankable.kernels.operators.rms_norm.triton_kernel import FUSED_ADD_RMS_NORM, RMS_NORM
from bankable.kernels.operators.rotary.triton_kernel import ROTARY
from bankable.kernels.operators.silu_and_mul.triton_kernel import SILU_AND_MUL
from bankable.kernels.operators.top_k_sampling.triton_kernel import TOP_K_SAMPLING
from bankable.kernels.worker.triton.launch import Plan

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
