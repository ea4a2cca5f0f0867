"""The operator families by name."""

from __future__ import annotations

from kernels.families import (
    decode_attention,
    fused_add_rms_norm,
    linear,
    qk_norm_rotary,
    rms_norm,
    rotary,
    silu_and_mul,
    top_k_sampling,
)
from kernels.family import Family

FAMILIES: dict[str, Family] = {
    module.FAMILY.name: module.FAMILY
    for module in (
        rms_norm,
        fused_add_rms_norm,
        silu_and_mul,
        rotary,
        decode_attention,
        linear,
        qk_norm_rotary,
        top_k_sampling,
    )
}
