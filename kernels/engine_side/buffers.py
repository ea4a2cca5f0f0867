"""Poisoned memory: a bit pattern that no operator computes stands wherever nothing was written."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from kernels.family import Dims

PATTERNS = {"bfloat16": (torch.int16, 0x7FA5), "float32": (torch.int32, 0x7FA5A5A5)}
"""Signalling NaNs with a payload; arithmetic gives quiet ones."""
GUARD = 64
"""Elements before and after a guarded buffer: a cache line and more."""


def poisoner(dims: Sequence[Dims], dtype: str) -> Callable[[], None]:
    """A function that leaves poison in the memory which the allocator hands out next for these sizes."""
    integer, pattern = PATTERNS[dtype]

    def poison() -> None:
        for block in [torch.empty(size, dtype=integer).fill_(pattern) for size in dims]:
            del block

    return poison


def guarded(dims: Sequence[Dims], dtype: str) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Output buffers, and the larger buffers that they lie in; all poison."""
    integer, pattern = PATTERNS[dtype]
    whole = [torch.full((math.prod(size) + 2 * GUARD,), pattern, dtype=integer) for size in dims]
    inner = [
        raw[GUARD:-GUARD].view(getattr(torch, dtype)).view(size) for raw, size in zip(whole, dims, strict=True)
    ]  # fmt: skip
    return inner, whole


def clean(output: torch.Tensor, dtype: str) -> bool:
    """Say whether every element of an output was written."""
    integer, pattern = PATTERNS[dtype]
    return not bool((output.contiguous().view(integer) == pattern).any())


def guards_hold(raw: torch.Tensor, dtype: str) -> bool:
    """Say whether every element inside was written and none outside."""
    _, pattern = PATTERNS[dtype]
    outside = torch.cat((raw[:GUARD], raw[-GUARD:]))
    return bool((outside == pattern).all()) and not bool((raw[GUARD:-GUARD] == pattern).any())


def same_bits(left: torch.Tensor, right: torch.Tensor) -> bool:
    """Say whether two tensors are equal bit by bit, NaNs too."""
    width = {2: torch.int16, 4: torch.int32, 8: torch.int64}[left.element_size()]
    return bool(torch.equal(left.view(width), right.view(width)))
