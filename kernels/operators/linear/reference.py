"""Linear of few rows on the engine's side."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch

from bankable.kernels.operators.linear import adapter, definition
from bankable.kernels.operators.torch_operator import Call, Into, Operator, Outputs, Tensors, entry, flat


def _reference(tensors: Tensors) -> Outputs:
    return (tensors["x"] @ tensors["weight"].T,)


def _framework(tensors: Tensors) -> Outputs:
    """The product with the transposed view, which skips the operator that composes it."""
    return (torch.mm(tensors["x"], tensors["weight"].t()),)


def _live(names: Mapping[str, Any], _: Tensors) -> Call:
    """The method of the engine; of its layer it reads the weight, and whether that was packed for another kernel."""
    method = names["UnquantizedLinearMethod.apply"]
    method.__globals__.update(
        use_intel_amx_backend=lambda layer: getattr(layer, "use_intel_amx_backend", False),
        _use_aiter=False,
        get_bf16_gemm_backend=lambda: SimpleNamespace(is_cutedsl=lambda: False, is_gemv=lambda: False),
    )
    return lambda tensors: (method(None, SimpleNamespace(weight=tensors["weight"]), tensors["x"]),)


def _native(library: ctypes.CDLL) -> Into:
    run = entry(library, adapter.ARGUMENTS)
    if torch.cpu._is_amx_tile_supported() and not torch.cpu._init_amx():
        raise RuntimeError("the system does not let this process use matrix tiles")

    def into(tensors: Tensors, outputs: Sequence[torch.Tensor]) -> None:
        x, weight = flat(tensors["x"]), flat(tensors["weight"])
        rows, ins = x.shape
        run(
            x.data_ptr(),
            x.stride(0),
            weight.data_ptr(),
            weight.stride(0),
            outputs[0].data_ptr(),
            rows,
            weight.shape[0],
            ins,
        )

    return into


OPERATOR = Operator(definition.FAMILY, _reference, _framework, ("srt/layers/quantization/unquant.py",), _live, _native)
