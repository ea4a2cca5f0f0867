"""QK norm and rotary embedding in one, in ``Qwen3Attention.forward_prepare_native`` behind its projection."""

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
    "pointer",
    "pointer",
    "size",
    "size",
    "size",
    "size",
    "real",
)
"""Of the kernel's entry point, in order."""
Tensors = dict[str, torch.Tensor]


def inputs(module: Any, positions: torch.Tensor, hidden_states: torch.Tensor) -> Tensors | None:
    """What is normed and turned: the projection, worked out again past the engine's own way, which is counted apart."""
    if not covered(module, positions, hidden_states) or not hasattr(module.qkv_proj, "weight"):
        return None
    bias = getattr(module.qkv_proj, "bias", None)
    qkv = torch.nn.functional.linear(hidden_states, module.qkv_proj.weight, bias)
    query, key, _ = qkv.split([module.q_size, module.kv_size, module.kv_size], dim=-1)
    return {
        "positions": positions,
        "query": query,
        "key": key,
        "query_weight": module.q_norm.weight,
        "key_weight": module.k_norm.weight,
        "table": module.rotary_emb.cos_sin_cache,
    }


def dims(tensors: Tensors) -> tuple[int, ...]:
    """Tokens, heads, key heads, size of a head."""
    tokens, head = tensors["positions"].shape[0], tensors["table"].shape[1]
    return tokens, tensors["query"].shape[1] // head, tensors["key"].shape[1] // head, head


def outputs(result: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Queries and keys, a row per token; values go through untouched."""
    return result[0], result[1]


def covered(module: Any, positions: torch.Tensor, hidden_states: torch.Tensor) -> bool:
    """Plain norms of whole heads, and whole heads in NeoX order from a table in the same dtype."""
    rotary, norms = module.rotary_emb, (module.q_norm, module.k_norm)
    return (
        hidden_states.is_cpu
        and hidden_states.dtype is DTYPE
        and hidden_states.dim() == 2
        and hidden_states.shape[0] > 0
        and positions.dtype is torch.int64
        and positions.dim() == 1
        and positions.is_contiguous()
        and type(rotary).__name__ == "RotaryEmbedding"
        and rotary.is_neox_style
        and rotary.rotary_dim == rotary.head_size == module.head_dim
        and not hasattr(rotary, "sin_cos_cache")
        and rotary.cos_sin_cache.dtype is DTYPE
        and norms[0].variance_epsilon == norms[1].variance_epsilon
        and all(
            norm.weight.dtype is DTYPE
            and norm.variance_size_override is None
            and norm.override_orig_dtype is None
            and not (norm.cast_x_before_out_mul or norm.fp32_residual)
            and norm.hidden_size == module.head_dim
            for norm in norms
        )
    )


def replace(live: Callable[..., Any], kernel: Callable[..., None]) -> Callable[..., Any]:
    """The method that stands in."""

    def forward_prepare_native(self: Any, positions: torch.Tensor, hidden_states: torch.Tensor) -> Any:
        if not covered(self, positions, hidden_states):
            return live(self, positions, hidden_states)
        qkv, _ = self.qkv_proj(hidden_states)
        query, key, value = qkv.split([self.q_size, self.kv_size, self.kv_size], dim=-1)
        head, tokens = self.head_dim, query.shape[0]
        query_out, key_out = torch.empty(query.shape, dtype=DTYPE), torch.empty(key.shape, dtype=DTYPE)
        kernel(
            positions.data_ptr(),
            query.data_ptr(),
            query.stride(0),
            key.data_ptr(),
            key.stride(0),
            self.q_norm.weight.data_ptr(),
            self.k_norm.weight.data_ptr(),
            self.rotary_emb.cos_sin_cache.data_ptr(),
            query_out.data_ptr(),
            key_out.data_ptr(),
            tokens,
            query.shape[1] // head,
            key.shape[1] // head,
            head,
            self.q_norm.variance_epsilon,
        )
        return query_out, key_out, value

    return forward_prepare_native
