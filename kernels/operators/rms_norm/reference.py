"""RMSNorm on the engine's side; other operators with a norm in them share ``normed`` and ``live_module``."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from bankable.kernels.operators.rms_norm import adapter, definition
from bankable.kernels.operators.torch_operator import Call, Into, Operator, Outputs, Tensors, entry, flat

EPS = definition.FAMILY.scalars["eps"]
FILES = ("srt/layers/layernorm.py",)


def normed(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """By the definition, over the last axis."""
    return x * torch.rsqrt(x.pow(2).mean(dim=-1, keepdim=True) + EPS) * weight


def live_module(names: Mapping[str, Any], weights: Tensors) -> nn.Module:
    """A module with the state that the live method reads, as the engine's constructor leaves it."""
    weight = weights["weight"]
    module = type("RMSNorm", (nn.Module,), {"forward_native": names["RMSNorm.forward_native"]})()
    module.weight = nn.Parameter(weight, requires_grad=False)
    module.variance_epsilon, module.hidden_size, module.variance_size_override = EPS, weight.shape[0], None
    module.override_orig_dtype, module.fp32_residual, module.cast_x_before_out_mul = None, False, False
    return module


def _reference(tensors: Tensors) -> Outputs:
    return (normed(tensors["x"], tensors["weight"]),)


def _framework(tensors: Tensors) -> Outputs:
    x, weight = tensors["x"], tensors["weight"]
    return (nn.functional.rms_norm(x, (x.shape[-1],), weight, EPS),)


def _live(names: Mapping[str, Any], weights: Tensors) -> Call:
    module = live_module(names, weights)
    return lambda tensors: (module.forward_native(tensors["x"]),)


def _own(names: Mapping[str, Any], weights: Tensors) -> Call:
    module = live_module(names, weights)
    method = names["RMSNorm.forward_cpu"]
    return lambda tensors: (method(module, tensors["x"]),)


def _native(library: ctypes.CDLL) -> Into:
    run = entry(library, adapter.ARGUMENTS)

    def into(tensors: Tensors, outputs: Sequence[torch.Tensor]) -> None:
        x = flat(tensors["x"])
        rows, cols = x.shape
        run(x.data_ptr(), x.stride(0), tensors["weight"].data_ptr(), outputs[0].data_ptr(), rows, cols, EPS)

    return into


def _vendor(package: Any, tensors: Tensors) -> Outputs:
    return (package.rmsnorm(tensors["x"], tensors["weight"], EPS),)


OPERATOR = Operator(definition.FAMILY, _reference, _framework, FILES, _live, _native, _vendor, own=_own)
