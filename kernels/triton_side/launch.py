"""One launch of a Triton kernel: with the same arguments it can be run, or compiled as the JIT would compile it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from kernels.engine_side.operator import Outputs, Tensors

ELEMENTS_PER_WARP = 512
MOST_WARPS = 16


@dataclass(frozen=True)
class Launch:
    """A kernel, its grid and its arguments."""

    kernel: Any
    """A function under ``triton.jit``."""
    grid: tuple[int, ...]
    arguments: Mapping[str, torch.Tensor | int | float]
    """By parameter name: tensors are pointers."""
    constants: Mapping[str, int]
    """Parameters that are compiled in."""
    warps: int

    def run(self) -> None:
        """Launch it: on a GPU, or in the interpreter where ``TRITON_INTERPRET`` was set before the import."""
        self.kernel[self.grid](**self.arguments, **self.constants, num_warps=self.warps)


Plan = Callable[[Tensors], tuple[Outputs, Launch]]
"""From an operator's inputs to its outputs, still empty, and the launch that fills them."""


def warps_for(elements: int) -> int:
    """Warps of a program with so many elements in its widest tile: a power of two."""
    return max(1, min(MOST_WARPS, elements // ELEMENTS_PER_WARP))
