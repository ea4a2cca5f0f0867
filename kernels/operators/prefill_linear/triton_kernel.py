"""Linear of many rows: the kernel of few rows over blocks of rows that share what they read of W."""

from __future__ import annotations

import torch
import triton

from bankable.kernels.operators.family import Choices, Parameter
from bankable.kernels.operators.linear.triton_kernel import linear_kernel
from bankable.kernels.operators.torch_operator import Outputs, Tensors, flat
from bankable.kernels.worker.triton.launch import LEAST_SIDE, KernelLaunch, KernelLaunches, TritonPlan

WARPS = 8


def _linear(tensors: Tensors, choices: Choices) -> tuple[Outputs, KernelLaunches]:
    x, weight = flat(tensors["x"]), flat(tensors["weight"])
    (rows, ins), outs = x.shape, weight.shape[0]
    out = torch.empty((rows, outs), dtype=x.dtype, device=x.device)
    constants = {
        "block_rows": choices["rows"],
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
    grid = (triton.cdiv(outs, choices["outs"]), triton.cdiv(rows, choices["rows"]))
    return (out,), (KernelLaunch(linear_kernel, grid, arguments, constants, WARPS, choices["stages"]),)


PLAN = TritonPlan(
    _linear,
    (
        Parameter("rows", (128, 64), "rows of x in a program"),
        Parameter("outs", (128, 64), "rows of W in a program"),
        Parameter("ins", (64, 32), "columns of W in a step"),
        Parameter("stages", (3, 2, 4), "steps that are under way together"),
    ),
)
