"""Rotary embedding of queries and keys, in the place of ``RotaryEmbedding.forward_native``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

DTYPE = torch.bfloat16
ARGUMENTS = (
    "pointer",
    "pointer",
    "size",
    "pointer",
    "size",
    "pointer",
    "pointer",
    "pointer",
    "size",
    "size",
    "size",
    "size",
)
"""Of the kernel's entry point, in order."""
Tensors = dict[str, torch.Tensor]


def inputs(
    module: Any,
    positions: torch.Tensor,
    query: torch.Tensor,
    key: torch.Tensor,
    offsets: Any = None,
    fused_set_kv_buffer_arg: Any = None,
) -> Tensors | None:
    """Positions, rows of all heads, and the table of cosines and sines."""
    if not covered(module, positions, query, key, offsets, fused_set_kv_buffer_arg):
        return None
    tokens = positions.numel()
    return {
        "positions": positions.reshape(-1),
        "query": query.reshape(tokens, -1),
        "key": key.reshape(tokens, -1),
        "table": module.cos_sin_cache,
    }


def dims(tensors: Tensors) -> tuple[int, ...]:
    """Tokens, heads, key heads, size of a head."""
    tokens, head = tensors["positions"].shape[0], tensors["table"].shape[1]
    return tokens, tensors["query"].shape[1] // head, tensors["key"].shape[1] // head, head


def outputs(result: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Queries and keys, a row per token."""
    query, key = result
    tokens = query.shape[0]
    return query.reshape(tokens, -1), key.reshape(tokens, -1)


def covered(
    module: Any, positions: torch.Tensor, query: torch.Tensor, key: torch.Tensor, offsets: Any, fused: Any
) -> bool:
    """Whole heads in NeoX order, from a table in the dtype of the queries."""
    return (
        offsets is None
        and fused is None
        and query.is_cpu
        and query.dtype is DTYPE
        and key.dtype is DTYPE
        and module.is_neox_style
        and module.rotary_dim == module.head_size
        and not hasattr(module, "sin_cos_cache")
        and module.cos_sin_cache.dtype is DTYPE
        and positions.dtype is torch.int64
        and positions.is_contiguous()
        and query.numel() > 0
    )


def replace(live: Callable[..., Any], kernel: Callable[..., None]) -> Callable[..., Any]:
    """The method that stands in."""

    def forward_native(
        self: Any,
        positions: torch.Tensor,
        query: torch.Tensor,
        key: torch.Tensor,
        offsets: Any = None,
        fused_set_kv_buffer_arg: Any = None,
    ) -> Any:
        if not covered(self, positions, query, key, offsets, fused_set_kv_buffer_arg):
            return live(self, positions, query, key, offsets, fused_set_kv_buffer_arg)
        tokens, head, table = positions.numel(), self.head_size, self.cos_sin_cache
        queries, keys = _rows(query, tokens), _rows(key, tokens)
        query_out, key_out = torch.empty(query.shape, dtype=DTYPE), torch.empty(key.shape, dtype=DTYPE)
        kernel(
            positions.data_ptr(),
            queries.data_ptr(),
            queries.stride(0),
            keys.data_ptr(),
            keys.stride(0),
            table.data_ptr(),
            query_out.data_ptr(),
            key_out.data_ptr(),
            tokens,
            queries.shape[1] // head,
            keys.shape[1] // head,
            head,
        )
        return query_out, key_out

    return forward_native


def _rows(tensor: torch.Tensor, tokens: int) -> torch.Tensor:
    dense = tensor.dim() == 2 and tensor.stride(1) == 1
    return tensor if dense else tensor.reshape(tokens, -1).contiguous()
