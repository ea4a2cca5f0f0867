"""QK norm and rotary embedding on the engine's side: what a method of the model calls one after the other."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from bankable.kernels.operators.qk_norm_rotary import adapter, definition
from bankable.kernels.operators.rms_norm import reference as rms_norm
from bankable.kernels.operators.rotary import reference as rotary
from bankable.kernels.operators.torch_operator import Call, Into, Operator, Outputs, Tensors, entry, flat

EPS = rms_norm.EPS
FILES = ("srt/models/qwen3.py", *rms_norm.FILES, *rotary.OPERATOR.files)


def _normed(tensors: Tensors, name: str) -> torch.Tensor:
    weight = tensors[f"{name}_weight"]
    return rms_norm.normed(tensors[name].unflatten(-1, (-1, weight.shape[0])), weight).flatten(-2)


def _reference(tensors: Tensors) -> Outputs:
    return rotary.OPERATOR.reference({**tensors, "query": _normed(tensors, "query"), "key": _normed(tensors, "key")})


def _framework(tensors: Tensors) -> Outputs:
    """Torch's norm, and both turned together."""
    normed = {}
    for name in ("query", "key"):
        weight = tensors[f"{name}_weight"]
        heads = tensors[name].unflatten(-1, (-1, weight.shape[0]))
        normed[name] = nn.functional.rms_norm(heads, weight.shape, weight, EPS).flatten(-2)
    return rotary.OPERATOR.framework({**tensors, **normed})


def _live(names: Mapping[str, Any], weights: Tensors) -> Call:
    norms = {name: rms_norm.OPERATOR.live(names, {"weight": weights[f"{name}_weight"]}) for name in ("query", "key")}
    turn = rotary.OPERATOR.live(names, weights)

    def call(tensors: Tensors) -> Outputs:
        normed = {}
        for name, norm in norms.items():
            rows = tensors[name].reshape(-1, weights[f"{name}_weight"].shape[0])
            normed[name] = norm({"x": rows, "weight": weights[f"{name}_weight"]})[0].view(tensors[name].shape)
        return turn({**tensors, **normed})

    return call


def _native(library: ctypes.CDLL) -> Into:
    run = entry(library, adapter.ARGUMENTS)

    def into(tensors: Tensors, outputs: Sequence[torch.Tensor]) -> None:
        table, query, key = tensors["table"], flat(tensors["query"]), flat(tensors["key"])
        head = table.shape[1]
        run(
            tensors["positions"].data_ptr(),
            query.data_ptr(),
            query.stride(0),
            key.data_ptr(),
            key.stride(0),
            tensors["query_weight"].data_ptr(),
            tensors["key_weight"].data_ptr(),
            table.data_ptr(),
            outputs[0].data_ptr(),
            outputs[1].data_ptr(),
            query.shape[0],
            query.shape[1] // head,
            key.shape[1] // head,
            head,
            EPS,
        )

    return into


OPERATOR = Operator(definition.FAMILY, _reference, _framework, FILES, _live, _native)
