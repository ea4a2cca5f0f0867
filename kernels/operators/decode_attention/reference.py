"""Decode attention on the engine's side."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from bankable.kernels.operators.decode_attention import adapter, definition
from bankable.kernels.operators.torch_operator import Call, Into, Operator, Outputs, Tensors, entry, flat

SPLITS = 8
"""Parts of a request's past, as the engine's backend sizes the buffer of its own kernel."""


def _scale(query: torch.Tensor) -> float:
    return float(query.shape[-1] ** -0.5)


def _reference(tensors: Tensors) -> Outputs:
    query, pool = tensors["query"], tensors["req_to_token"].long()
    group = query.shape[1] // tensors["k_cache"].shape[1]
    outputs = []
    for own, row, length in zip(query, tensors["req_pool_indices"], tensors["seq_lens"], strict=True):
        slots = pool[row, :length]
        keys, values = (tensors[name][slots].repeat_interleave(group, dim=1) for name in ("k_cache", "v_cache"))
        weights = torch.softmax(torch.einsum("hd,thd->ht", own, keys) * _scale(query), dim=-1)
        outputs.append(torch.einsum("ht,thd->hd", weights, values))
    return (torch.stack(outputs),)


def _framework(tensors: Tensors) -> Outputs:
    """All requests in one SDPA, padded to the longest, or on a GPU, where asking for that would be waiting, to all that
    the pool has room for. What stands in for missing tokens is zero, not a neighbour."""
    query, lengths = tensors["query"], tensors["seq_lens"]
    longest = tensors["req_to_token"].shape[1] if query.is_cuda else int(lengths.max())
    slots = tensors["req_to_token"][tensors["req_pool_indices"], :longest]
    there = torch.arange(longest, device=query.device) < lengths[:, None]
    keys, values = (
        tensors[name][slots].masked_fill_(~there[:, :, None, None], 0).transpose(1, 2)
        for name in ("k_cache", "v_cache")
    )
    out = functional.scaled_dot_product_attention(
        query.unsqueeze(2),
        keys,
        values,
        attn_mask=there[:, None, None, :],
        scale=_scale(query),
        enable_gqa=query.shape[1] != keys.shape[1],
    )
    return (out.squeeze(2).contiguous(),)


def _live(names: Mapping[str, Any], _: Tensors) -> Call:
    """The backend's method; of its state it would read only the mask of a sliding window, which is not asked for."""
    method = names["TorchNativeAttnBackend._run_sdpa_forward_decode"]

    def call(tensors: Tensors) -> Outputs:
        query = tensors["query"]
        output = torch.empty(query.shape, dtype=query.dtype)
        arguments = [tensors[spec] for spec in ("k_cache", "v_cache", "req_to_token", "req_pool_indices", "seq_lens")]
        gqa = query.shape[1] != tensors["k_cache"].shape[1]
        return (method(None, query, output, *arguments, scaling=_scale(query), enable_gqa=gqa, causal=False),)

    return call


def _own(_: Mapping[str, Any], __: Tensors) -> Call:
    """The operator that ``IntelAMXAttnBackend.forward_decode`` calls; new keys and values are in the cache already."""

    def call(tensors: Tensors) -> Outputs:
        query = tensors["query"]
        batch, heads, head = query.shape
        output = torch.empty_like(query)
        torch.ops.sgl_kernel.decode_attention_cpu(
            query,
            tensors["k_cache"],
            tensors["v_cache"],
            1.0,
            1.0,
            output,
            None,
            None,
            torch.zeros(batch, dtype=torch.int64),
            torch.empty((batch, heads, SPLITS, head + 1), dtype=torch.float32),
            tensors["req_to_token"],
            tensors["req_pool_indices"],
            tensors["seq_lens"],
            _scale(query),
            0.0,
            False,
            0,
            None,
            None,
        )
        return (output,)

    return call


def _native(library: ctypes.CDLL) -> Into:
    run = entry(library, adapter.ARGUMENTS)

    def into(tensors: Tensors, outputs: Sequence[torch.Tensor]) -> None:
        query, keys, values = (flat(tensors[name]) for name in ("query", "k_cache", "v_cache"))
        pool, out = tensors["req_to_token"], outputs[0]
        batch, heads, head = query.shape
        run(
            query.data_ptr(),
            query.stride(0),
            keys.data_ptr(),
            keys.stride(0),
            values.data_ptr(),
            values.stride(0),
            pool.data_ptr(),
            pool.stride(0),
            tensors["req_pool_indices"].data_ptr(),
            tensors["seq_lens"].data_ptr(),
            out.data_ptr(),
            out.stride(0),
            batch,
            heads,
            keys.shape[1],
            head,
            _scale(query),
        )

    return into


OPERATOR = Operator(
    definition.FAMILY,
    _reference,
    _framework,
    ("srt/layers/attention/torch_native_backend.py",),
    _live,
    _native,
    own=_own,
    own_files=("srt/layers/attention/intel_amx_backend.py",),
)
