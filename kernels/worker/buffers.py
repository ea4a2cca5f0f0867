"""Poisoned memory: unwritten memory holds a bit pattern that no operator computes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from bankable.kernels.operators.family import ITEM_BYTES, Dims

PATTERNS = {2: (torch.int16, 0x7FA5), 4: (torch.int32, 0x7FA5A5A5)}
"""By the bytes of an element. Signalling NaNs with a payload: arithmetic gives quiet ones. As an integer it is an index
beyond all that there are."""
GUARD = 64
"""Elements before and after a guarded buffer: a cache line and more."""


Results = Sequence[tuple[Dims, str]]
"""Shape and dtype of every output."""


def poisoner(results: Results) -> Callable[[], None]:
    """A function that leaves poison in the memory which the allocator hands out next for these sizes."""
    patterns = [(size, *PATTERNS[ITEM_BYTES[dtype]]) for size, dtype in results]

    def poison() -> None:
        for block in [torch.empty(size, dtype=integer).fill_(pattern) for size, integer, pattern in patterns]:
            del block

    return poison


def guarded(results: Results) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Output buffers, and the larger buffers that they lie in; all poison."""
    whole = []
    for size, dtype in results:
        integer, pattern = PATTERNS[ITEM_BYTES[dtype]]
        whole.append(torch.full((math.prod(size) + 2 * GUARD,), pattern, dtype=integer))
    inner = [
        raw[GUARD:-GUARD].view(getattr(torch, dtype)).view(size)
        for raw, (size, dtype) in zip(whole, results, strict=True)
    ]
    return inner, whole


def clean(output: torch.Tensor) -> bool:
    """Whether every element of an output was written."""
    integer, pattern = PATTERNS[output.element_size()]
    return not bool((output.contiguous().view(integer) == pattern).any())


def guards_hold(raw: torch.Tensor) -> bool:
    """Whether every element inside was written and none outside."""
    _, pattern = PATTERNS[raw.element_size()]
    outside = torch.cat((raw[:GUARD], raw[-GUARD:]))
    return bool((outside == pattern).all()) and not bool((raw[GUARD:-GUARD] == pattern).any())


def same_bits(left: torch.Tensor, right: torch.Tensor) -> bool:
    """Whether two tensors are equal bit by bit, NaNs too."""
    width = {2: torch.int16, 4: torch.int32, 8: torch.int64}[left.element_size()]
    return bool(torch.equal(left.view(width), right.view(width)))
