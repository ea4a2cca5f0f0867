"""The operators by the name of their family."""

from __future__ import annotations

from kernels.engine_side.decode_attention import DECODE_ATTENTION
from kernels.engine_side.linear import LINEAR
from kernels.engine_side.operator import Operator
from kernels.engine_side.qk_norm_rotary import QK_NORM_ROTARY
from kernels.engine_side.rms_norm import FUSED_ADD_RMS_NORM, RMS_NORM
from kernels.engine_side.rotary import ROTARY
from kernels.engine_side.silu_and_mul import SILU_AND_MUL
from kernels.engine_side.top_k_sampling import TOP_K_SAMPLING

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
