"""RMSNorm: y = x · w / √(mean(x²) + ε), over the last axis.

sglang's ``forward_native`` works in fp32 throughout and rounds once, at the end. Only the order of the sum is free, so
bf16 outputs differ from the live ones where an fp32 value lies beside a tie, and are equal bits elsewhere.
"""

from __future__ import annotations

from bankable.kernels.operators.family import Allowed, Dims, Family, OwnPoint, TensorSpec

BF16 = Allowed(
    2.0**-8 + 2.0**-10, "one rounding of an fp32 value to bf16 is off by 2⁻⁸ at most; a quarter of that for the sum"
)
FP32 = Allowed(2.0**-19, "n squares in fp32, added in any order: sixteen steps of 2⁻²³ for n up to 16384")


def _inputs(dims: Dims) -> tuple[TensorSpec, ...]:
    rows, cols = dims
    return TensorSpec("x", (rows, cols)), TensorSpec("weight", (cols,), "weight")


def _outputs(dims: Dims) -> tuple[TensorSpec, ...]:
    return (TensorSpec("out", dims),)


def _flops(dims: Dims) -> int:
    return 4 * dims[0] * dims[1]


FAMILY = Family(
    name="rms_norm",
    title="RMSNorm",
    axes=("rows", "cols"),
    module="sglang.srt.layers.layernorm",
    attribute="RMSNorm.forward_native",
    branch="without a residual",
    inputs=_inputs,
    outputs=_outputs,
    flops=_flops,
    allowed={"bfloat16": BF16, "float32": FP32},
    specialised=("cols",),
    scalars={"eps": 1e-6},
    native_outputs={"out": "rows * cols"},
    own=OwnPoint("sglang.srt.layers.layernorm", "RMSNorm.forward_cpu"),
)
