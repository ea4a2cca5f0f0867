"""The operators by the name of their family."""

from __future__ import annotations

from bankable.kernels.operators.decode_attention.reference import DECODE_ATTENTION
from bankable.kernels.operators.implementation import Operator
from bankable.kernels.operators.linear.reference import LINEAR
from bankable.kernels.operators.qk_norm_rotary.reference import QK_NORM_ROTARY
from bankable.kernels.operators.rms_norm.reference import FUSED_ADD_RMS_NORM, RMS_NORM
from bankable.kernels.operators.rotary.reference import ROTARY
from bankable.kernels.operators.silu_and_mul.reference import SILU_AND_MUL
from bankable.kernels.operators.top_k_sampling.reference import TOP_K_SAMPLING

OPERATORS: dict[str, Operator] = {
    operator.family.name: operator
    for operator in (
        RMS_NORM,
        FUSED_ADD_RMS_NORM,
        SILU_AND_MUL,
        ROTARY,
        DECODE_ATTENTION,
        LINEAR,
        QK_NORM_ROTARY,
        TOP_K_SAMPLING,
    )
}
