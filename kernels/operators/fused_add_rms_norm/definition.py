"""Add and RMSNorm in one: r = x + residual, y = RMSNorm(r); both are handed back.

sglang's ``forward_native`` adds in fp32, hands back the sum in the dtype of x, and normalises the sum *before* it was
rounded. The residual is therefore equal bits; y is as for RMSNorm.
"""

from __future__ import annotations

from dataclasses import replace

from bankable.kernels.operators.family import Dims, TensorSpec
from bankable.kernels.operators.rms_norm import definition as rms_norm


def _inputs(dims: Dims) -> tuple[TensorSpec, ...]:
    rows, cols = dims
    return TensorSpec("x", (rows, cols)), TensorSpec("residual", (rows, cols)), TensorSpec("weight", (cols,), "weight")


def _outputs(dims: Dims) -> tuple[TensorSpec, ...]:
    return TensorSpec("out", dims), TensorSpec("residual_out", dims)


def _flops(dims: Dims) -> int:
    return 5 * dims[0] * dims[1]


FAMILY = replace(
    rms_norm.FAMILY,
    name="fused_add_rms_norm",
    title="add + RMSNorm",
    branch="with a residual",
    inputs=_inputs,
    outputs=_outputs,
    flops=_flops,
    native_outputs={"out": "rows * cols", "residual_out": "rows * cols"},
    own=None,
    own_lacks="the engine's own kernel writes to its inputs, which an isolated benchmark has to leave alone",
)
