"""SiLU and multiply on the engine's side."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from bankable.kernels.operators.silu_and_mul import adapter, definition
from bankable.kernels.operators.torch_operator import Call, Into, Operator, Outputs, Tensors, entry, flat


def _reference(tensors: Tensors) -> Outputs:
    gate, up = tensors["x"].chunk(2, dim=-1)
    return (gate / (1 + torch.exp(-gate)) * up,)


def _framework(tensors: Tensors) -> Outputs:
    gate, up = tensors["x"].chunk(2, dim=-1)
    return (functional.silu(gate).mul_(up),)


def _live(names: Mapping[str, Any], weights: Tensors) -> Call:
    module = type("SiluAndMul", (nn.Module,), {"forward_native": names["SiluAndMul.forward_native"]})()
    return lambda tensors: (module.forward_native(tensors["x"]),)


def _own(names: Mapping[str, Any], _: Tensors) -> Call:
    method = names["SiluAndMul.forward_cpu"]
    return lambda tensors: (method(None, tensors["x"]),)


def _native(library: ctypes.CDLL) -> Into:
    run = entry(library, adapter.ARGUMENTS)

    def into(tensors: Tensors, outputs: Sequence[torch.Tensor]) -> None:
        x = flat(tensors["x"])
        run(x.data_ptr(), x.stride(0), outputs[0].data_ptr(), x.shape[0], x.shape[1] // 2)

    return into


def _vendor(package: Any, tensors: Tensors) -> Outputs:
    return (package.silu_and_mul(tensors["x"]),)


OPERATOR = Operator(
    definition.FAMILY, _reference, _framework, ("srt/layers/activation.py",), _live, _native, _vendor, own=_own
)
