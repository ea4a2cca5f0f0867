"""Attention of one new token per request over the paged KV cache, in the place of ``forward_decode``.

In an engine with CPU kernels of its own, ``IntelAMXAttnBackend.forward_decode`` hands the new keys and values to its
kernel, which stores them first. So does this one.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch

DTYPE = torch.bfloat16
ARGUMENTS = (
    "pointer",
    "size",
    "pointer",
    "size",
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
    "size",
    "real",
)
"""Of the kernel's entry point, in order."""
Tensors = dict[str, torch.Tensor]
LENGTHS = 16
"""Longest request, rounded up to a multiple of this: what calls are counted by."""
SEEN = SimpleNamespace(head=1)
"""Size of a head in the last call that was looked at: the answer has all heads in one row."""


def inputs(
    module: Any,
    q: torch.Tensor,
    k: Any,
    v: Any,
    layer: Any,
    forward_batch: Any,
    save_kv_cache: bool = True,
    sinks: Any = None,
) -> Tensors | None:
    """The call with a cache of its own: the slots that this batch reads, with the new keys and values in them."""
    if not covered(module, q, k, v, layer, forward_batch, save_kv_cache, sinks):
        return None
    keys, values, pool, rows, lengths = _state(module, layer, forward_batch)
    counts = lengths.tolist()
    used = [pool[row, :count].long() for row, count in zip(rows.tolist(), counts, strict=True)]
    slots, where = torch.unique(torch.cat(used), return_inverse=True)
    table = torch.zeros(len(counts), max(counts), dtype=torch.int32)
    for index, part in enumerate(where.split(counts)):
        table[index, : counts[index]] = part.int()
    new = torch.searchsorted(slots, forward_batch.out_cache_loc.long())
    own_keys, own_values = keys[slots], values[slots]
    own_keys.index_copy_(0, new, k.reshape(-1, *keys.shape[1:]))
    own_values.index_copy_(0, new, v.reshape(-1, *values.shape[1:]))
    SEEN.head = layer.qk_head_dim
    return {
        "query": q.reshape(-1, layer.tp_q_head_num, layer.qk_head_dim),
        "k_cache": own_keys,
        "v_cache": own_values,
        "req_to_token": table,
        "req_pool_indices": torch.arange(len(counts)),
        "seq_lens": lengths.long(),
    }


def dims(tensors: Tensors) -> tuple[int, ...]:
    """Requests, heads, key heads, size of a head, and the longest request in steps."""
    batch, heads, head = tensors["query"].shape
    longest = int(tensors["seq_lens"].max())
    return batch, heads, tensors["k_cache"].shape[1], head, -(-longest // LENGTHS) * LENGTHS


def outputs(result: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """One row of heads per request."""
    return (result.reshape(result.shape[0], -1, SEEN.head),)


def _state(module: Any, layer: Any, forward_batch: Any) -> tuple[torch.Tensor, ...]:
    """Keys, values, slots of the pool's requests, the batch's rows among these, and its lengths."""
    return (
        module.token_to_kv_pool.get_key_buffer(layer.layer_id),
        module.token_to_kv_pool.get_value_buffer(layer.layer_id),
        module.req_to_token_pool.req_to_token,
        forward_batch.req_pool_indices,
        forward_batch.seq_lens,
    )


def covered(
    module: Any, q: torch.Tensor, k: Any, v: Any, layer: Any, forward_batch: Any, save_kv_cache: bool, sinks: Any
) -> bool:
    """Plain decoding over the whole past, one dtype, the usual scale, with new keys and values to store."""
    head = layer.qk_head_dim
    if (
        module.draft_decode_metadata is not None
        or module.use_mla
        or module.use_sliding_window_kv_pool
        or sinks is not None
        or k is None
        or v is None
        or not save_kv_cache
        or layer.is_cross_attention
        or layer.v_head_dim != head
        or layer.sliding_window_size >= 0
        or layer.logit_cap
        or layer.k_scale_float not in (None, 1.0)
        or layer.v_scale_float not in (None, 1.0)
        or abs(layer.scaling * head**0.5 - 1) >= 1e-6
        or forward_batch.encoder_lens is not None
    ):
        return False
    keys, values, pool, rows, lengths = _state(module, layer, forward_batch)
    return (
        q.is_cpu
        and q.numel() > 0
        and all(part.dtype is DTYPE for part in (q, k, v, keys, values))
        and keys.dim() == 3
        and keys.shape == values.shape
        and keys.shape[2] == head
        and layer.tp_q_head_num % keys.shape[1] == 0
        and k.numel() == v.numel() == rows.shape[0] * keys.shape[1] * head
        and all(part.stride(2) == 1 and part.stride(1) == head for part in (keys, values))
        and pool.dtype is torch.int32
        and pool.stride(1) == 1
        and all(part.dtype is torch.int64 and part.is_contiguous() for part in (rows, lengths))
        and forward_batch.out_cache_loc.shape == rows.shape
    )


def replace(live: Callable[..., Any], kernel: Callable[..., None]) -> Callable[..., Any]:
    """The method that stands in; it stores the new keys and values as the live one does."""

    def forward_decode(
        self: Any,
        q: torch.Tensor,
        k: Any,
        v: Any,
        layer: Any,
        forward_batch: Any,
        save_kv_cache: bool = True,
        sinks: Any = None,
    ) -> Any:
        if not covered(self, q, k, v, layer, forward_batch, save_kv_cache, sinks):
            return live(self, q, k, v, layer, forward_batch, save_kv_cache, sinks)
        keys, values, pool, rows, lengths = _state(self, layer, forward_batch)
        heads, head = layer.tp_q_head_num, layer.qk_head_dim
        place = forward_batch.out_cache_loc.long()
        keys.index_copy_(0, place, k.reshape(-1, *keys.shape[1:]))
        values.index_copy_(0, place, v.reshape(-1, *values.shape[1:]))
        query = q.reshape(-1, heads, head).contiguous()
        out = torch.empty((query.shape[0], heads * head), dtype=DTYPE)
        kernel(
            query.data_ptr(),
            query.stride(0),
            keys.data_ptr(),
            keys.stride(0),
            values.data_ptr(),
            values.stride(0),
            pool.data_ptr(),
            pool.stride(0),
            rows.data_ptr(),
            lengths.data_ptr(),
            out.data_ptr(),
            out.stride(0),
            query.shape[0],
            heads,
            keys.shape[1],
            head,
            head**-0.5,
        )
        return out

    return forward_decode
