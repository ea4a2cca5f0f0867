"""Linear of few rows: programs over rows of W, each of which reads its part of W once for up to 64 rows of x.

Nothing is gained by sharing: the time is that of the read of W. So a program takes few rows of W, for there to be
enough programs, and long pieces of them, several of which are under way together.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from bankable.kernels.operators.family import Choices, Parameter
from bankable.kernels.operators.torch_operator import Outputs, Tensors, flat
from bankable.kernels.worker.triton.launch import LEAST_SIDE, KernelLaunch, KernelLaunches, TritonPlan

MOST_ROWS = 64
WARPS = 4


@triton.jit
def linear_kernel(
    x,
    x_stride,
    weight,
    weight_stride,
    out,
    rows,
    outs,
    ins,
    block_rows: tl.constexpr,
    block_outs: tl.constexpr,
    block_ins: tl.constexpr,
):
    row = tl.program_id(1) * block_rows + tl.arange(0, block_rows)
    column = tl.program_id(0) * block_outs + tl.arange(0, block_outs)
    of_x = x + row.to(tl.int64)[:, None] * x_stride
    of_weight = weight + column.to(tl.int64)[None, :] * weight_stride
    total = tl.zeros((block_rows, block_outs), dtype=tl.float32)
    for start in range(0, ins, block_ins):
        inner = start + tl.arange(0, block_ins)
        left = tl.load(of_x + inner[None, :], mask=(row < rows)[:, None] & (inner < ins)[None, :], other=0.0)
        right = tl.load(of_weight + inner[:, None], mask=(column < outs)[None, :] & (inner < ins)[:, None], other=0.0)
        total = tl.dot(left, right, total, input_precision="ieee")
    place = row.to(tl.int64)[:, None] * outs + column[None, :]
    tl.store(out + place, total, mask=(row < rows)[:, None] & (column < outs)[None, :])


def _linear(tensors: Tensors, choices: Choices) -> tuple[Outputs, KernelLaunches]:
    x, weight = flat(tensors["x"]), flat(tensors["weight"])
    (rows, ins), outs = x.shape, weight.shape[0]
    out = torch.empty((rows, outs), dtype=x.dtype, device=x.device)
    block_rows = min(MOST_ROWS, max(LEAST_SIDE, triton.next_power_of_2(rows)))
    constants = {
        "block_rows": block_rows,
        "block_outs": choices["outs"],
        "block_ins": min(choices["ins"], max(LEAST_SIDE, triton.next_power_of_2(ins))),
    }
    arguments = {
        "x": x,
        "x_stride": x.stride(0),
        "weight": weight,
        "weight_stride": weight.stride(0),
        "out": out,
        "rows": rows,
        "outs": outs,
        "ins": ins,
    }
    grid = (triton.cdiv(outs, choices["outs"]), triton.cdiv(rows, block_rows))
    return (out,), (KernelLaunch(linear_kernel, grid, arguments, constants, WARPS, choices["stages"]),)


PLAN = TritonPlan(
    _linear,
    (
        Parameter("outs", (32, 16, 64), "rows of W in a program"),
        Parameter("ins", (128, 64, 256), "columns of W in a step"),
        Parameter("stages", (3, 2, 4), "steps that are under way together"),
    ),
)
