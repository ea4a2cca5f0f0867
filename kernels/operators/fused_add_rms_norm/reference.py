"""Add and RMSNorm on the engine's side."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from bankable.kernels.operators.fused_add_rms_norm import adapter, definition
from bankable.kernels.operators.rms_norm.reference import EPS, FILES, live_module, normed
from bankable.kernels.operators.torch_operator import Call, Into, Operator, Outputs, Tensors, entry, flat


def _reference(tensors: Tensors) -> Outputs:
    total = tensors["x"] + tensors["residual"]
    return normed(total, tensors["weight"]), total


def _framework(tensors: Tensors) -> Outputs:
    x, weight = tensors["x"], tensors["weight"]
    total = torch.add(x.float(), tensors["residual"])
    return nn.functional.rms_norm(total, (x.shape[-1],), weight.float(), EPS).to(x.dtype), total.to(x.dtype)


def _live(names: Mapping[str, Any], weights: Tensors) -> Call:
    module = live_module(names, weights)
    return lambda tensors: module.forward_native(tensors["x"], tensors["residual"])


def _native(library: ctypes.CDLL) -> Into:
    run = entry(library, adapter.ARGUMENTS)

    def into(tensors: Tensors, outputs: Sequence[torch.Tensor]) -> None:
        x, residual = flat(tensors["x"]), flat(tensors["residual"])
        rows, cols = x.shape
        run(
            x.data_ptr(),
            x.stride(0),
            residual.data_ptr(),
            residual.stride(0),
            tensors["weight"].data_ptr(),
            outputs[0].data_ptr(),
            outputs[1].data_ptr(),
            rows,
            cols,
            EPS,
        )

    return into


OPERATOR = Operator(definition.FAMILY, _reference, _framework, FILES, _live, _native)
