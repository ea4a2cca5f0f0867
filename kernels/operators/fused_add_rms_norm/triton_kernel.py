"""Add and RMSNorm: a program for each row, which it holds in registers.

Rounded where the engine's ``forward_native`` rounds: in fp32 throughout, once at the end, and the sum is normalised
before it is rounded.
"""

from __future__ import annotations

import triton
import triton.language as tl

from bankable.kernels.operators.family import Choices
from bankable.kernels.operators.rms_norm.reference import EPS
from bankable.kernels.operators.rms_norm.triton_kernel import row_launches
from bankable.kernels.operators.torch_operator import Outputs, Tensors, flat
from bankable.kernels.worker.triton.launch import WARPS, KernelLaunches, TritonPlan, empty_like


@triton.jit
def fused_add_rms_norm_kernel(
    x, x_stride, residual, residual_stride, weight, out, residual_out, cols, eps, block: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, block)
    there = column < cols
    values = tl.load(x + row * x_stride + column, mask=there, other=0.0).to(tl.float32)
    values += tl.load(residual + row * residual_stride + column, mask=there, other=0.0).to(tl.float32)
    weights = tl.load(weight + column, mask=there, other=0.0).to(tl.float32)
    tl.store(residual_out + row * cols + column, values, mask=there)
    scale = 1.0 / tl.sqrt(tl.sum(values * values, axis=0) / cols + eps)
    tl.store(out + row * cols + column, values * scale * weights, mask=there)


def _fused_add_rms_norm(tensors: Tensors, choices: Choices) -> tuple[Outputs, KernelLaunches]:
    """Raises ``ValueError`` for rows longer than a program can hold."""
    x, residual = flat(tensors["x"]), flat(tensors["residual"])
    out, total = empty_like(x), empty_like(x)
    arguments = {
        "x": x,
        "x_stride": x.stride(0),
        "residual": residual,
        "residual_stride": residual.stride(0),
        "weight": tensors["weight"],
        "out": out,
        "residual_out": total,
        "cols": x.shape[1],
        "eps": EPS,
    }
    return (out, total), row_launches(fused_add_rms_norm_kernel, x, arguments, choices)


PLAN = TritonPlan(_fused_add_rms_norm, (WARPS,))
