"""How far outputs are from what is expected, in pieces that fit a cache."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

PIECE = 1 << 20
"""Elements that are compared at a time."""
THEIRS = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 1e-2}
"""KernelBench's absolute and relative tolerance by dtype (``get_tolerance_for_precision``)."""


@dataclass(frozen=True)
class Difference:
    """Of all elements of all outputs of one call."""

    error: float
    """Largest |got − want| / max(|want|, rms(want)); infinite where one is finite and the other is not."""
    largest: float
    """Largest |got − want|."""
    mean: float
    """Mean |got − want|."""
    theirs: bool
    """Whether KernelBench's own tolerance accepts it: |got − want| ≤ t + t · |want| everywhere."""


def difference(got: Sequence[torch.Tensor], want: Sequence[torch.Tensor]) -> Difference:
    """Compare outputs; of integers and booleans every element has to be equal."""
    error = largest = total = 0.0
    count, theirs = 0, True
    for output, wanted in zip(got, want, strict=True):
        rms = root_mean_square(wanted)
        allowed = THEIRS.get(output.dtype, 1e-4)
        for left, right in _split(output, wanted):
            same = (left == right) | (left.isnan() & right.isnan())
            apart = torch.where(same, 0.0, (left - right).abs())
            apart = torch.where(apart.isfinite(), apart, math.inf)
            scale = right.abs().clamp(min=rms)
            relative = torch.where(same, 0.0, apart / torch.where(scale > 0, scale, 1e-300))
            relative = torch.where(relative.isfinite(), relative, math.inf)
            error, largest = max(error, float(relative.max())), max(largest, float(apart.max()))
            total, count = total + float(apart.sum()), count + left.numel()
            theirs = theirs and bool((same | (apart <= allowed + allowed * right.abs())).all())
    return Difference(error, largest, total / max(1, count), theirs)


def root_mean_square(tensor: torch.Tensor) -> float:
    """Of the elements that are finite; 0.0 where there is none."""
    total, count = 0.0, 0
    for (piece,) in _split(tensor):
        finite = piece[piece.isfinite()]
        total, count = total + float(finite.square().sum()), count + finite.numel()
    return math.sqrt(total / count) if count else 0.0


def all_finite(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether no element of any is infinite or no number."""
    return all(bool(tensor.isfinite().all()) for tensor in tensors if tensor.is_floating_point())


def _split(*tensors: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
    """Pieces of tensors of one shape, flat, in float64."""
    flat = [tensor.reshape(-1) for tensor in tensors]
    for start in range(0, flat[0].numel(), PIECE):
        yield tuple(tensor[start : start + PIECE].double() for tensor in flat)
