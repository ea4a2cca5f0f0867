"""Linear of many rows without a bias, in the place of ``UnquantizedLinearMethod.apply``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

DTYPE = torch.bfloat16
ARGUMENTS = ("pointer", "size", "pointer", "size", "pointer", "size", "size", "size")
"""Of the kernel's entry point, in order."""
FEWER_ROWS = 64
"""So many or fewer are another operator's."""
Tensors = dict[str, torch.Tensor]


def inputs(module: Any, layer: Any, x: torch.Tensor, bias: Any = None) -> Tensors | None:
    """Rows of the last axis, and the weight."""
    if not covered(layer, x, bias):
        return None
    return {"x": x.reshape(-1, x.shape[-1]), "weight": layer.weight}


def dims(tensors: Tensors) -> tuple[int, ...]:
    """Rows, rows of the weight, columns."""
    rows, ins = tensors["x"].shape
    return rows, tensors["weight"].shape[0], ins


def outputs(result: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """As rows."""
    return (result.reshape(-1, result.shape[-1]),)


def covered(layer: Any, x: torch.Tensor, bias: Any) -> bool:
    """A weight as the engine loaded it, in one dtype with what it is multiplied with."""
    weight = layer.weight
    return (
        bias is None
        and x.is_cpu
        and x.dtype is DTYPE
        and weight.dtype is DTYPE
        and not getattr(layer, "use_intel_amx_backend", False)
        and weight.dim() == 2
        and weight.stride(1) == 1
        and x.shape[-1] == weight.shape[1]
        and x.shape[-1] > 0
        and x.numel() > FEWER_ROWS * x.shape[-1]
    )


def replace(live: Callable[..., Any], kernel: Callable[..., None]) -> Callable[..., Any]:
    """The method that stands in."""

    def apply(self: Any, layer: Any, x: torch.Tensor, bias: Any = None) -> Any:
        if not covered(layer, x, bias):
            return live(self, layer, x, bias)
        weight, ins = layer.weight, x.shape[-1]
        rows = x if x.dim() == 2 and x.stride(1) == 1 else x.reshape(-1, ins).contiguous()
        outs = weight.shape[0]
        out = torch.empty((*x.shape[:-1], outs), dtype=DTYPE)
        kernel(
            rows.data_ptr(),
            rows.stride(0),
            weight.data_ptr(),
            weight.stride(0),
            out.data_ptr(),
            rows.shape[0],
            outs,
            ins,
        )
        return out

    return apply
