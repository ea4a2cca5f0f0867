"""SiLU and multiply: programs over rows and pieces of rows. silu(a) is rounded before it is multiplied, as live."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from kernels.engine_side.operator import Outputs, Tensors, flat
from kernels.triton_side.launch import Launch, warps_for

PIECE = 1024


@triton.jit
def silu_and_mul_kernel(x, x_stride, out, cols, block: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * block + tl.arange(0, block)
    there = column < cols
    gate = tl.load(x + row * x_stride + column, mask=there, other=0.0).to(tl.float32)
    up = tl.load(x + row * x_stride + cols + column, mask=there, other=0.0).to(tl.float32)
    activated = (gate / (1.0 + tl.exp(-gate))).to(out.dtype.element_ty).to(tl.float32)
    tl.store(out + row * cols + column, activated * up, mask=there)


def silu_and_mul(tensors: Tensors) -> tuple[Outputs, Launch]:
    x = flat(tensors["x"])
    rows, cols = x.shape[0], x.shape[1] // 2
    out = torch.empty((rows, cols), dtype=x.dtype, device=x.device)
    block = min(PIECE, triton.next_power_of_2(cols))
    arguments = {"x": x, "x_stride": x.stride(0), "out": out, "cols": cols}
    return (out,), Launch(
        silu_and_mul_kernel, (rows, triton.cdiv(cols, block)), arguments, {"block": block}, warps_for(block)
    )
