"""Linear of many rows on the engine's side: called as the linear of few rows is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import torch

from bankable.kernels.operators.linear.reference import OPERATOR as LINEAR
from bankable.kernels.operators.prefill_linear import definition
from bankable.kernels.operators.torch_operator import Outputs, Tensors


@cache
def _multiplies_bf16() -> bool:
    """Whether this processor has instructions for products of bf16."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _framework(tensors: Tensors) -> Outputs:
    """The product in fp32, rounded once, where the processor has no instructions for bf16: torch is faster that way."""
    x, weight = tensors["x"], tensors["weight"]
    if x.is_cpu and not _multiplies_bf16():
        return ((x.float() @ weight.float().T).to(x.dtype),)
    return LINEAR.framework(tensors)


OPERATOR = replace(LINEAR, family=definition.FAMILY, framework=_framework)
