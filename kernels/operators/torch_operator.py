"""What the engine's side knows about a family: its reference, and how each kind of implementation is called."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from bankable.kernels.operators.family import Family
from bankable.kernels.worker.live_source import own_kernels

Tensors = Mapping[str, torch.Tensor]
Outputs = tuple[torch.Tensor, ...]
Call = Callable[[Tensors], Outputs]
"""From all inputs, weights and tables among them, to new tensors."""
Into = Callable[[Tensors, Sequence[torch.Tensor]], None]
"""The same into buffers that the caller owns: contiguous tensors of the outputs' shapes."""


@dataclass(frozen=True)
class Operator:
    """The code of a family that needs torch."""

    family: Family
    reference: Call
    """By the definition, in the dtype of its inputs; the checker hands in float64."""
    framework: Call
    """Torch's own operators, where they offer another way than the live code."""
    files: tuple[str, ...]
    """Of the engine package, with the live code; the patch point's own file first."""
    live: Callable[[Mapping[str, Any], Tensors], Call]
    """From the names found in these files and the weights to the live path's call."""
    native: Callable[[ctypes.CDLL], Into]
    """Calls a compiled kernel."""
    vendor: Callable[[Any, Tensors], Outputs] | None = None
    """The engine's own GPU kernel, by the package ``sgl_kernel`` and the inputs; ``None`` where it has none."""
    own: Callable[[Mapping[str, Any], Tensors], Call] | None = None
    """The same as ``live`` in an engine with CPU kernels of its own: what it dispatches to there."""
    own_files: tuple[str, ...] = ()
    """Of the engine package, with that code; empty where ``files`` have it too."""
    settled: Callable[[Tensors, Outputs, Outputs], Outputs] = lambda _, got, __: got
    """From inputs, outputs and what is wanted to the outputs with that in place of what is as good. Where the
    definition leaves nothing open, as nearly everywhere, they stay as they are."""

    @property
    def live_files(self) -> tuple[str, ...]:
        """Files with the code that this engine dispatches to, the patch point's own first."""
        return self.own_files if self.own_files and own_kernels() else self.files

    def dispatched(self, names: Mapping[str, Any], weights: Tensors) -> Call:
        """The live path of this engine's server: by its own CPU kernels where it has them."""
        live = self.own if self.own is not None and own_kernels() else self.live
        return live(names, weights)


def flat(tensor: torch.Tensor) -> torch.Tensor:
    """The same tensor where its last axis is dense, as kernels take it; a copy where it is not."""
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


def entry(library: ctypes.CDLL, arguments: Sequence[str]) -> Any:
    """The kernel's entry point with its argument types, as its adapter names them; it returns nothing."""
    function = library.bankable_run
    function.argtypes, function.restype = [TYPES[kind] for kind in arguments], None
    return function


TYPES: dict[str, Any] = {"pointer": ctypes.c_void_p, "size": ctypes.c_int64, "real": ctypes.c_float}
"""As an overlay has them: ``tools/overlay/runtime/_bankable/replace.py``, which can import nothing of ours."""
