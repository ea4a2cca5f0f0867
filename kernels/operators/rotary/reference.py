"""Rotary embedding on the engine's side."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from bankable.kernels.operators.rotary import adapter, definition
from bankable.kernels.operators.torch_operator import Call, Into, Operator, Outputs, Tensors, entry, flat


def _turned(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """``x`` is tokens × heads · head, the angles are tokens × half a head."""
    first, second = x.unflatten(-1, (-1, 2 * cosine.shape[-1])).chunk(2, dim=-1)
    cosine, sine = cosine.unsqueeze(1), sine.unsqueeze(1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1).flatten(1)


def _reference(tensors: Tensors) -> Outputs:
    cosine, sine = tensors["table"][tensors["positions"]].chunk(2, dim=-1)
    return _turned(tensors["query"], cosine, sine), _turned(tensors["key"], cosine, sine)


def _framework(tensors: Tensors) -> Outputs:
    """Queries and keys turned together, by two multiplications of whole heads."""
    query, key, table = tensors["query"], tensors["key"], tensors["table"]
    cosine, sine = table.index_select(0, tensors["positions"]).chunk(2, dim=-1)
    joined = torch.cat((query, key), dim=-1).unflatten(-1, (-1, table.shape[1]))
    first, second = joined.chunk(2, dim=-1)
    cosine, sine = torch.cat((cosine, cosine), -1).unsqueeze(1), torch.cat((-sine, sine), -1).unsqueeze(1)
    turned = (joined * cosine).add_(torch.cat((second, first), -1) * sine).flatten(1)
    return turned[:, : query.shape[1]].contiguous(), turned[:, query.shape[1] :].contiguous()


def _live(names: Mapping[str, Any], weights: Tensors) -> Call:
    table = weights["table"]
    kind = type("RotaryEmbedding", (nn.Module,), {"forward_native": names["RotaryEmbedding.forward_native"]})
    module = kind()
    module.register_buffer("cos_sin_cache", table, persistent=False)
    module.head_size = module.rotary_dim = table.shape[1]
    module.is_neox_style, module._apply_rotary_emb_wrapped = True, names["apply_rotary_emb"]
    return lambda tensors: module.forward_native(tensors["positions"], tensors["query"], tensors["key"])


def _native(library: ctypes.CDLL) -> Into:
    run = entry(library, adapter.ARGUMENTS)

    def into(tensors: Tensors, outputs: Sequence[torch.Tensor]) -> None:
        positions, table = tensors["positions"], tensors["table"]
        query, key = flat(tensors["query"]), flat(tensors["key"])
        head = table.shape[1]
        run(
            positions.data_ptr(),
            query.data_ptr(),
            query.stride(0),
            key.data_ptr(),
            key.stride(0),
            table.data_ptr(),
            outputs[0].data_ptr(),
            outputs[1].data_ptr(),
            query.shape[0],
            query.shape[1] // head,
            key.shape[1] // head,
            head,
        )

    return into


OPERATOR = Operator(
    definition.FAMILY,
    _reference,
    _framework,
    ("srt/layers/rotary_embedding/base.py", "srt/layers/rotary_embedding/utils.py"),
    _live,
    _native,
)
