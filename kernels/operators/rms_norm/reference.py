"""RMSNorm and add + RMSNorm on the engine's side."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from bankable.kernels.operators.fused_add_rms_norm import adapter as fused_add_rms_norm_seam
from bankable.kernels.operators.fused_add_rms_norm import definition as fused_add_rms_norm
from bankable.kernels.operators.implementation import Call, Into, Operator, Outputs, Tensors, entry, flat
from bankable.kernels.operators.rms_norm import adapter as rms_norm_seam
from bankable.kernels.operators.rms_norm import definition as rms_norm

EPS = rms_norm.FAMILY.scalars["eps"]
FILES = ("srt/layers/layernorm.py",)


def normed(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return x * torch.rsqrt(x.pow(2).mean(dim=-1, keepdim=True) + EPS) * weight


def _plain(tensors: Tensors) -> Outputs:
    return (normed(tensors["x"], tensors["weight"]),)


def _added(tensors: Tensors) -> Outputs:
    total = tensors["x"] + tensors["residual"]
    return normed(total, tensors["weight"]), total


def _framework(tensors: Tensors) -> Outputs:
    x, weight = tensors["x"], tensors["weight"]
    return (nn.functional.rms_norm(x, (x.shape[-1],), weight, EPS),)


def _framework_added(tensors: Tensors) -> Outputs:
    x, weight = tensors["x"], tensors["weight"]
    total = torch.add(x.float(), tensors["residual"])
    return nn.functional.rms_norm(total, (x.shape[-1],), weight.float(), EPS).to(x.dtype), total.to(x.dtype)


def _module(names: Mapping[str, Any], weights: Tensors) -> nn.Module:
    """A module with the state that the live method reads, as the engine's constructor leaves it."""
    weight = weights["weight"]
    module = type("RMSNorm", (nn.Module,), {"forward_native": names["RMSNorm.forward_native"]})()
    module.weight = nn.Parameter(weight, requires_grad=False)
    module.variance_epsilon, module.hidden_size, module.variance_size_override = EPS, weight.shape[0], None
    module.override_orig_dtype, module.fp32_residual, module.cast_x_before_out_mul = None, False, False
    return module


def _live(names: Mapping[str, Any], weights: Tensors) -> Call:
    module = _module(names, weights)
    return lambda tensors: (module.forward_native(tensors["x"]),)


def _live_added(names: Mapping[str, Any], weights: Tensors) -> Call:
    module = _module(names, weights)
    return lambda tensors: module.forward_native(tensors["x"], tensors["residual"])


def _native(library: ctypes.CDLL) -> Into:
    run = entry(library, rms_norm_seam.ARGUMENTS)

    def into(tensors: Tensors, outputs: Sequence[torch.Tensor]) -> None:
        x = flat(tensors["x"])
        rows, cols = x.shape
        run(x.data_ptr(), x.stride(0), tensors["weight"].data_ptr(), outputs[0].data_ptr(), rows, cols, EPS)

    return into


def _native_added(library: ctypes.CDLL) -> Into:
    run = entry(library, fused_add_rms_norm_seam.ARGUMENTS)

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


RMS_NORM = Operator(rms_norm.FAMILY, _plain, _framework, FILES, _live, _native)
FUSED_ADD_RMS_NORM = Operator(fused_add_rms_norm.FAMILY, _added, _framework_added, FILES, _live_added, _native_added)
