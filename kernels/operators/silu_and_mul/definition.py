"""SiLU and multiply: y = silu(a) · b, where a and b are the halves of the last axis.

sglang's ``forward_native`` rounds silu(a) to the dtype before it multiplies, and rounds the product again; so do the
kernels here. Exponentials differ in their last fp32 bit, so bf16 outputs are equal bits but beside ties.
"""

from __future__ import annotations

from bankable.kernels.operators.family import Allowed, Dims, Family, OwnPoint, TensorSpec


def _inputs(dims: Dims) -> tuple[TensorSpec, ...]:
    rows, cols = dims
    return (TensorSpec("x", (rows, 2 * cols)),)


def _outputs(dims: Dims) -> tuple[TensorSpec, ...]:
    return (TensorSpec("out", dims),)


def _flops(dims: Dims) -> int:
    return 5 * dims[0] * dims[1]


FAMILY = Family(
    name="silu_and_mul",
    title="SiLU · mul",
    axes=("rows", "cols"),
    module="sglang.srt.layers.activation",
    attribute="SiluAndMul.forward_native",
    inputs=_inputs,
    outputs=_outputs,
    flops=_flops,
    allowed={
        "bfloat16": Allowed(2.0**-7 + 2.0**-10, "two roundings to bf16, as the live path has: 2⁻⁸ each, and the exp"),
        "float32": Allowed(2.0**-20, "an exponential, a quotient and a product: eight steps of 2⁻²³"),
    },
    specialised=("cols",),
    native_outputs={"out": "rows * cols"},
    own=OwnPoint("sglang.srt.layers.activation", "SiluAndMul.forward_cpu"),
)
