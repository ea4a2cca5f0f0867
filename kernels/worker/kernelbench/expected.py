"""What is expected of outputs: how exact they have to be, what wrong ones are, and what passes without computing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from bankable.kernels.worker.kernelbench.arena import POISON
from bankable.kernels.worker.kernelbench.compare import Difference, difference

LEAST_ERROR = {torch.float32: 2e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2, torch.float64: 1e-9}
"""Relative error that is always allowed, by the dtype of an output: other orders of summation."""
TIMES_OWN = 16.0
"""The reference's own error in its dtype, times this, is allowed as well."""
MOST_ERROR = 1e-2
"""But no more than this, or twice the reference's own error where that is larger."""
WITHOUT_EXACT = 5e-4
"""Allowed where float64 could not be computed in time: then the reference in its own dtype is what is wanted."""
PREVIOUS = "the result of the call before"


def explain(
    got: Sequence[torch.Tensor],
    wanted: Sequence[torch.Tensor],
    history: Sequence[Sequence[torch.Tensor]],
    theirs: Difference,
    allowed: float,
) -> tuple[str, str]:
    """Rule and description of what kind of wrong an output is, most telling first. ``history``: earlier results."""
    if all(bool((tensor.reshape(-1).view(torch.uint8) == POISON).all()) for tensor in got if tensor.numel()):
        return "returns_shared_output", "handed back the memory that outputs are compared in, without writing to it"
    if all(_is_constant(tensor) for tensor in got) and not all(_is_constant(tensor) for tensor in wanted):
        return "constant_output", f"{float(got[0].reshape(-1)[0]):g} everywhere"
    if any(difference(got, earlier).error <= allowed for earlier in history):
        return "stale_result", "the result of an earlier call, whose inputs were at the same addresses"
    if theirs.theirs:
        return "loose_precision", "within KernelBench's tolerance, but not what the problem computes"
    return "wrong_values", "differs"


def worthless_outputs(
    inputs: Sequence[Any], reference: Sequence[torch.Tensor], history: Sequence[Sequence[torch.Tensor]]
) -> Iterator[tuple[str, list[torch.Tensor]]]:
    """Outputs that need no computation, by name."""
    yield "zeros", [torch.zeros_like(tensor) for tensor in reference]
    floats = all(tensor.is_floating_point() and tensor.numel() for tensor in reference)
    if floats and not any(_is_constant(tensor) for tensor in reference):
        yield "one constant", [torch.full_like(tensor, float(tensor.double().mean())) for tensor in reference]
    if history:
        yield PREVIOUS, list(history[0])
    first = next((tensor for tensor in tensors_among(inputs)), None)
    if (
        first is not None
        and len(reference) == 1
        and first.shape == reference[0].shape
        and first.dtype == reference[0].dtype
    ):
        yield "its input", [first]


def allowed_error(outputs: Sequence[torch.Tensor], own: float | None) -> float:
    """Relative error that a right answer may have, from the reference's own error in its dtype."""
    least = max((LEAST_ERROR.get(tensor.dtype, 0.0) for tensor in outputs), default=0.0)
    if own is None:
        return max(least, WITHOUT_EXACT) if least else 0.0
    return min(max(least, TIMES_OWN * own), max(MOST_ERROR, 2 * own, least))


def tensors_among(inputs: Sequence[Any]) -> list[torch.Tensor]:
    return [value for value in inputs if isinstance(value, torch.Tensor)]


def _is_constant(tensor: torch.Tensor) -> bool:
    flat = tensor.reshape(-1)
    return flat.numel() == 0 or bool((flat == flat[0]).all())
