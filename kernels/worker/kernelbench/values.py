"""Other values for a problem's inputs: what ``get_inputs`` draws is often positive and below one, and hides a lot.

A ReLU of such inputs is the identity, and a softmax over a long row is zero within a tolerance of 1e-4. The values
here have both signs and another scale. An input whose values look like a choice is left alone: integers, booleans, few
different values, rows that sum to one. Equal values stay equal and zero stays zero, so symmetric and triangular
matrices stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

FEW = 8
"""Different values up to which an input is taken for a choice among these."""
LOOKED_AT = 4096
"""Elements by which that is told."""
AMPLITUDE = 1.7


def with_other_values(inputs: Sequence[Any], seed: int) -> list[Any] | None:
    """The inputs with values of both signs; ``None`` where all have to be left alone."""
    frequency = 30.0 + seed % 17
    drawn = [_other(value, frequency) if _is_free(value) else value for value in inputs]
    return drawn if any(new is not old for new, old in zip(drawn, inputs, strict=True)) else None


def _other(tensor: torch.Tensor, frequency: float) -> torch.Tensor:
    """An odd function of each value, which mixes signs: the same for equal values, zero for zero."""
    return (tensor.float() * frequency).sin_().mul_(AMPLITUDE).to(tensor.dtype)


def _is_free(value: Any) -> bool:
    if not isinstance(value, torch.Tensor) or not value.is_floating_point() or value.numel() == 0 or value.dim() == 0:
        return False
    if value.reshape(-1)[:LOOKED_AT].unique().numel() <= FEW:
        return False
    rows = value.reshape(-1, value.shape[-1])[:64].double()
    return not bool(((rows.sum(dim=-1) - 1).abs() < 1e-3).all())
