"""Attention of one new token per request over the paged KV cache, in the place of ``_run_sdpa_forward_decode``."""

from __future__ import annotations

from collections.abc import Callable
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


def inputs(
    module: Any,
    query: torch.Tensor,
    output: torch.Tensor,
    k_cache: torch.Tensor,
    v_cache: torch.Tensor,
    req_to_token: torch.Tensor,
    req_pool_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    encoder_lens: Any = None,
    scaling: Any = None,
    enable_gqa: bool = False,
    causal: bool = False,
    is_cross_attn: bool = False,
    sliding_window_size: Any = None,
) -> Tensors | None:
    """The call with a cache of its own, which holds the slots that this batch reads and no others."""
    if not covered(
        query,
        output,
        k_cache,
        v_cache,
        req_to_token,
        req_pool_indices,
        seq_lens,
        encoder_lens,
        scaling,
        causal,
        is_cross_attn,
        sliding_window_size,
    ):
        return None
    lengths = seq_lens.tolist()
    used = [req_to_token[row, :length].long() for row, length in zip(req_pool_indices.tolist(), lengths, strict=True)]
    slots, where = torch.unique(torch.cat(used), return_inverse=True)
    rows = torch.zeros(len(lengths), max(lengths), dtype=torch.int32)
    for index, part in enumerate(where.split(lengths)):
        rows[index, : lengths[index]] = part.int()
    return {
        "query": query,
        "k_cache": k_cache[slots],
        "v_cache": v_cache[slots],
        "req_to_token": rows,
        "req_pool_indices": torch.arange(len(lengths)),
        "seq_lens": seq_lens.long(),
    }


def dims(tensors: Tensors) -> tuple[int, ...]:
    """Requests, heads, key heads, size of a head, and the longest request in steps."""
    batch, heads, head = tensors["query"].shape
    longest = int(tensors["seq_lens"].max())
    return batch, heads, tensors["k_cache"].shape[1], head, -(-longest // LENGTHS) * LENGTHS


def outputs(result: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """One row of heads per request."""
    return (result,)


def covered(
    query: torch.Tensor,
    output: torch.Tensor,
    k_cache: torch.Tensor,
    v_cache: torch.Tensor,
    req_to_token: torch.Tensor,
    req_pool_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    encoder_lens: Any,
    scaling: Any,
    causal: bool,
    is_cross_attn: bool,
    sliding_window_size: Any,
) -> bool:
    """Plain decoding over the whole past, one dtype, the usual scale."""
    head = query.shape[2]
    return (
        encoder_lens is None
        and not (causal or is_cross_attn)
        and (sliding_window_size is None or sliding_window_size < 0)
        and (scaling is None or abs(scaling * head**0.5 - 1) < 1e-6)
        and query.is_cpu
        and query.dtype is DTYPE
        and k_cache.dtype is DTYPE
        and v_cache.dtype is DTYPE
        and v_cache.shape == k_cache.shape
        and output.shape == query.shape
        and all(entry.stride(2) == 1 and entry.stride(1) == head for entry in (query, output, k_cache, v_cache))
        and req_to_token.dtype is torch.int32
        and req_to_token.stride(1) == 1
        and req_pool_indices.dtype is torch.int64
        and req_pool_indices.is_contiguous()
        and seq_lens.dtype is torch.int64
        and seq_lens.is_contiguous()
        and query.shape[0] > 0
        and query.shape[1] % k_cache.shape[1] == 0
    )


def replace(live: Callable[..., Any], kernel: Callable[..., None]) -> Callable[..., Any]:
    """The method that stands in; it writes to ``output`` as the live one does."""

    def _run_sdpa_forward_decode(
        self: Any,
        query: torch.Tensor,
        output: torch.Tensor,
        k_cache: torch.Tensor,
        v_cache: torch.Tensor,
        req_to_token: torch.Tensor,
        req_pool_indices: torch.Tensor,
        seq_lens: torch.Tensor,
        encoder_lens: Any = None,
        scaling: Any = None,
        enable_gqa: bool = False,
        causal: bool = False,
        is_cross_attn: bool = False,
        sliding_window_size: Any = None,
    ) -> Any:
        if not covered(
            query,
            output,
            k_cache,
            v_cache,
            req_to_token,
            req_pool_indices,
            seq_lens,
            encoder_lens,
            scaling,
            causal,
            is_cross_attn,
            sliding_window_size,
        ):
            return live(
                self,
                query,
                output,
                k_cache,
                v_cache,
                req_to_token,
                req_pool_indices,
                seq_lens,
                encoder_lens,
                scaling=scaling,
                enable_gqa=enable_gqa,
                causal=causal,
                is_cross_attn=is_cross_attn,
                sliding_window_size=sliding_window_size,
            )
        batch, heads, head = query.shape
        kernel(
            query.data_ptr(),
            query.stride(0),
            k_cache.data_ptr(),
            k_cache.stride(0),
            v_cache.data_ptr(),
            v_cache.stride(0),
            req_to_token.data_ptr(),
            req_to_token.stride(0),
            req_pool_indices.data_ptr(),
            seq_lens.data_ptr(),
            output.data_ptr(),
            output.stride(0),
            batch,
            heads,
            k_cache.shape[1],
            head,
            head**-0.5,
        )
        return output

    return _run_sdpa_forward_decode
