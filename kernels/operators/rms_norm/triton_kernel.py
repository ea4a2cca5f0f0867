"""RMSNorm: a program for each row, which it holds in registers.

Rounded where the engine's ``forward_native`` rounds: in fp32 throughout, once at the end.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl

from bankable.kernels.operators.family import Choices
from bankable.kernels.operators.rms_norm.reference import EPS
from bankable.kernels.operators.torch_operator import Outputs, Tensors, flat
from bankable.kernels.worker.triton.launch import WARPS, KernelLaunch, KernelLaunches, TritonPlan, empty_like, warps_for

LONGEST = 1 << 15
"""Elements of a row that the registers of a program can hold; twice as many are spilled."""


@triton.jit
def rms_norm_kernel(x, x_stride, weight, out, cols, eps, block: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, block)
    there = column < cols
    values = tl.load(x + row * x_stride + column, mask=there, other=0.0).to(tl.float32)
    weights = tl.load(weight + column, mask=there, other=0.0).to(tl.float32)
    scale = 1.0 / tl.sqrt(tl.sum(values * values, axis=0) / cols + eps)
    tl.store(out + row * cols + column, values * scale * weights, mask=there)


def _rms_norm(tensors: Tensors, choices: Choices) -> tuple[Outputs, KernelLaunches]:
    """Raises ``ValueError`` for rows longer than a program can hold."""
    x = flat(tensors["x"])
    out = empty_like(x)
    arguments = {
        "x": x,
        "x_stride": x.stride(0),
        "weight": tensors["weight"],
        "out": out,
        "cols": x.shape[1],
        "eps": EPS,
    }
    return (out,), row_launches(rms_norm_kernel, x, arguments, choices)


def row_launches(kernel: Any, x: torch.Tensor, arguments: dict[str, Any], choices: Choices) -> KernelLaunches:
    """A launch of a program for each row of ``x``. Raises ``ValueError`` for rows longer than a program can hold."""
    rows, cols = x.shape
    if cols > LONGEST:
        raise ValueError(f"rows of {cols} elements; a program holds {LONGEST}")
    block = triton.next_power_of_2(cols)
    return (KernelLaunch(kernel, (rows,), arguments, {"block": block}, warps_for(block, choices["warps"])),)


PLAN = TritonPlan(_rms_norm, (WARPS,))
