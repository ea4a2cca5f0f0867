"""RMSNorm without a residual, in the place of ``RMSNorm.forward_native``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

DTYPE = torch.bfloat16
ARGUMENTS = ("pointer", "size", "pointer", "pointer", "size", "size", "real")
"""Of the kernel's entry point, in order."""
Tensors = dict[str, torch.Tensor]


def inputs(
    module: Any, x: torch.Tensor, residual: Any = None, post_residual_addition: Any = None, quant_linear: Any = None
) -> Tensors | None:
    """Rows of the last axis, and the weight."""
    if residual is not None or not covered(module, x):
        return None
    return {"x": x.reshape(-1, x.shape[-1]), "weight": module.weight}


def dims(tensors: Tensors) -> tuple[int, ...]:
    """Rows and columns."""
    return tuple(tensors["x"].shape)


def outputs(result: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """As rows."""
    return (result.reshape(-1, result.shape[-1]),)


def covered(module: Any, x: torch.Tensor) -> bool:
    """Only what the family defines: one dtype, the whole width, the weight applied in fp32."""
    return (
        x.is_cpu
        and x.dtype is DTYPE
        and module.weight.dtype is DTYPE
        and module.variance_size_override is None
        and module.override_orig_dtype is None
        and not (module.cast_x_before_out_mul or module.fp32_residual)
        and x.shape[-1] == module.hidden_size
        and x.numel() > 0
    )


def replace(live: Callable[..., Any], kernel: Callable[..., None]) -> Callable[..., Any]:
    """The method that stands in."""

    def forward_native(
        self: Any, x: torch.Tensor, residual: Any = None, post_residual_addition: Any = None, quant_linear: Any = None
    ) -> Any:
        if residual is not None or not covered(self, x):
            return live(self, x, residual, post_residual_addition, quant_linear)
        cols = x.shape[-1]
        rows = x if x.dim() == 2 and x.stride(1) == 1 else x.reshape(-1, cols).contiguous()
        out = torch.empty(x.shape, dtype=DTYPE)
        kernel(
            rows.data_ptr(),
            rows.stride(0),
            self.weight.data_ptr(),
            out.data_ptr(),
            rows.shape[0],
            cols,
            self.variance_epsilon,
        )
        return out

    return forward_native
