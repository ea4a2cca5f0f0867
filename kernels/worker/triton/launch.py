"""Launches of Triton kernels: with the same arguments they can be run, or compiled as the JIT would compile them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from bankable.kernels.operators.family import Choices, Parameter, combinations
from bankable.kernels.operators.torch_operator import Outputs, Tensors

ELEMENTS_PER_WARP = 512
MOST_WARPS = 16
LEAST_SIDE = 16
"""Of a tile that matrix units multiply."""


@dataclass(frozen=True)
class KernelLaunch:
    """A kernel, its grid and its arguments."""

    kernel: Any
    """A function under ``triton.jit``."""
    grid: tuple[int, ...]
    arguments: Mapping[str, torch.Tensor | int | float]
    """By parameter name: tensors are pointers."""
    constants: Mapping[str, int]
    """Parameters that are compiled in."""
    warps: int
    stages: int = 3
    """Steps of a loop whose loads are under way together."""

    def run(self) -> None:
        """Launch it: on a GPU, or in the interpreter where ``TRITON_INTERPRET`` was set before the import."""
        options = {"num_warps": self.warps, "num_stages": self.stages}
        self.kernel[self.grid](**self.arguments, **self.constants, **options)


KernelLaunches = tuple[KernelLaunch, ...]
"""One after the other on one stream. The host waits for nothing in between, so a CUDA graph can hold them all."""


@dataclass(frozen=True)
class TritonPlan:
    """A family's Triton implementation, with what it leaves open."""

    make: Callable[[Tensors, Choices], tuple[Outputs, KernelLaunches]]
    """From an operator's inputs to its outputs, still empty, and the launches that fill them."""
    parameters: tuple[Parameter, ...]

    def __call__(self, tensors: Tensors, choices: Choices | None = None) -> tuple[Outputs, KernelLaunches]:
        """Outputs and launches; what ``choices`` leave out is the default. Raises ``ValueError`` for sizes that the
        kernels cannot have."""
        return self.make(tensors, {**self.defaults(), **(choices or {})})

    def defaults(self) -> Choices:
        """The first value of every parameter."""
        return {parameter.name: parameter.values[0] for parameter in self.parameters}

    def every_choice(self) -> Iterator[Choices]:
        """All combinations, the default first."""
        return combinations({parameter.name: parameter.values for parameter in self.parameters})


WARPS = Parameter("warps", (0, 2, 4, 8, 16), "warps of a program; 0: by the size of its widest tile")


def warps_for(elements: int, requested: int = 0) -> int:
    """Warps of a program with so many elements in its widest tile, unless asked for: a power of two."""
    return requested or max(1, min(MOST_WARPS, elements // ELEMENTS_PER_WARP))


def empty_like(tensor: torch.Tensor) -> torch.Tensor:
    """Dense, of the same shape, dtype and device."""
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=tensor.device)
