"""Add and RMSNorm in one, in the place of ``RMSNorm.forward_native`` where it is given a residual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

DTYPE = torch.bfloat16
ARGUMENTS = ("pointer", "size", "pointer", "size", "pointer", "pointer", "pointer", "size", "size", "real")
"""Of the kernel's entry point, in order."""
Tensors = dict[str, torch.Tensor]


def inputs(
    module: Any, x: torch.Tensor, residual: Any = None, post_residual_addition: Any = None, quant_linear: Any = None
) -> Tensors | None:
    """Rows of the last axis, what is added to them, and the weight."""
    if not covered(module, x, residual, post_residual_addition):
        return None
    cols = x.shape[-1]
    return {"x": x.reshape(-1, cols), "residual": residual.reshape(-1, cols), "weight": module.weight}


def dims(tensors: Tensors) -> tuple[int, ...]:
    """Rows and columns."""
    return tuple(tensors["x"].shape)


def outputs(result: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The normed sum and the sum, as rows."""
    return tuple(entry.reshape(-1, entry.shape[-1]) for entry in result)


def covered(module: Any, x: torch.Tensor, residual: Any, post_residual_addition: Any) -> bool:
    """Only what the family defines: one dtype, the whole width, the weight applied in fp32."""
    return (
        residual is not None
        and post_residual_addition is None
        and x.is_cpu
        and x.dtype is DTYPE
        and residual.dtype is DTYPE
        and module.weight.dtype is DTYPE
        and residual.shape == x.shape
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
        if not covered(self, x, residual, post_residual_addition):
            return live(self, x, residual, post_residual_addition, quant_linear)
        cols = x.shape[-1]
        rows = x if x.dim() == 2 and x.stride(1) == 1 else x.reshape(-1, cols).contiguous()
        added = residual if residual.dim() == 2 and residual.stride(1) == 1 else residual.reshape(-1, cols).contiguous()
        out, total = torch.empty(x.shape, dtype=DTYPE), torch.empty(x.shape, dtype=DTYPE)
        kernel(
            rows.data_ptr(),
            rows.stride(0),
            added.data_ptr(),
            added.stride(0),
            self.weight.data_ptr(),
            out.data_ptr(),
            total.data_ptr(),
            rows.shape[0],
            cols,
            self.variance_epsilon,
        )
        return out, total

    return forward_native
