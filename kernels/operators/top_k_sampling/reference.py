"""Top-k and top-p of sampling on the engine's side. What is timed is everything before the draw, of either."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from bankable.kernels.operators.top_k_sampling import adapter, definition
from bankable.kernels.operators.torch_operator import Call, Into, Operator, Outputs, Tensors, entry, flat


def _cut(ordered: torch.Tensor, sums: torch.Tensor, tensors: Tensors) -> torch.Tensor:
    """Zero past the top-k, and where what comes before has more than the top-p; ``sums`` end with the element."""
    top_ks, top_ps = tensors["top_ks"][:, None], tensors["top_ps"][:, None].float()
    past = (torch.arange(ordered.shape[1], device=ordered.device) >= top_ks) | (sums - ordered.float() > top_ps)
    return torch.where(past, 0.0, ordered)


def _reference(tensors: Tensors) -> Outputs:
    """A whole sort, equal ones by their token. Sums are added in float64 and then rounded, as live's are: a cut is no
    value with an error, and has to be at the same place."""
    ordered, ids = torch.sort(tensors["probs"], dim=-1, descending=True, stable=True)
    width = int(tensors["width"])
    ordered, ids = ordered[:, :width], ids[:, :width]
    return _cut(ordered, ordered.double().cumsum(-1).float(), tensors), ids


def _framework(tensors: Tensors) -> Outputs:
    """One mask instead of two writes through masks."""
    ordered, ids = torch.topk(tensors["probs"], int(tensors["width"]))
    return _cut(ordered, ordered.cumsum(-1), tensors), ids.int()


def _live(names: Mapping[str, Any], weights: Tensors) -> Call:
    """The engine's function up to its draw, in the place of which it hands out all columns."""
    filtered = adapter.without_drawing(names[adapter.NAME], int(weights["width"]))
    return lambda tensors: filtered(tensors["probs"], tensors["top_ks"], tensors["top_ps"])


def _settled(tensors: Tensors, got: Outputs, wanted: Outputs) -> Outputs:
    """Equal probabilities have no order."""
    return got[0], adapter.settled(tensors["probs"], got[1], wanted[1])


def _native(library: ctypes.CDLL) -> Into:
    run = entry(library, adapter.ARGUMENTS)

    def into(tensors: Tensors, outputs: Sequence[torch.Tensor]) -> None:
        probs, (weights, ids) = flat(tensors["probs"]), outputs
        rows, vocab = probs.shape
        run(
            probs.data_ptr(),
            probs.stride(0),
            tensors["top_ks"].data_ptr(),
            tensors["top_ps"].data_ptr(),
            weights.data_ptr(),
            ids.data_ptr(),
            rows,
            vocab,
            weights.shape[1],
        )

    return into


OPERATOR = Operator(
    definition.FAMILY, _reference, _framework, ("srt/layers/sampler.py",), _live, _native, settled=_settled
)
