"""SiLU and multiply: programs over rows and pieces of rows. silu(a) is rounded before it is multiplied, as live."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from bankable.kernels.operators.family import Choices, Parameter
from bankable.kernels.operators.torch_operator import Outputs, Tensors, flat
from bankable.kernels.worker.triton.launch import WARPS, KernelLaunch, KernelLaunches, TritonPlan, warps_for


@triton.jit
def silu_and_mul_kernel(x, x_stride, out, cols, block: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * block + tl.arange(0, block)
    there = column < cols
    gate = tl.load(x + row * x_stride + column, mask=there, other=0.0).to(tl.float32)
    up = tl.load(x + row * x_stride + cols + column, mask=there, other=0.0).to(tl.float32)
    activated = (gate / (1.0 + tl.exp(-gate))).to(out.dtype.element_ty).to(tl.float32)
    tl.store(out + row * cols + column, activated * up, mask=there)


def _silu_and_mul(tensors: Tensors, choices: Choices) -> tuple[Outputs, KernelLaunches]:
    x = flat(tensors["x"])
    rows, cols = x.shape[0], x.shape[1] // 2
    out = torch.empty((rows, cols), dtype=x.dtype, device=x.device)
    block = min(choices["block"], triton.next_power_of_2(cols))
    arguments = {"x": x, "x_stride": x.stride(0), "out": out, "cols": cols}
    grid = (rows, triton.cdiv(cols, block))
    return (out,), (
        KernelLaunch(silu_and_mul_kernel, grid, arguments, {"block": block}, warps_for(block, choices["warps"])),
    )


PLAN = TritonPlan(_silu_and_mul, (Parameter("block", (1024, 2048, 4096), "elements of a row in a program"), WARPS))
