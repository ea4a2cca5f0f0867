"""Memory that the judge shares with a process under judgement: inputs and outputs of several calls, slot by slot.

It is mapped before that process is forked, so that nothing has to be sent, and both see it at once. Inputs of a slot
are always at the same addresses, whatever the call.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

ALIGNED = 64
POISON = 0xA5
"""Bytes of an output that was not written: no float, and an integer beyond all sizes."""


@dataclass(frozen=True)
class TensorLayout:
    """Where a tensor lies in a slot. It is stored dense, in the order of its axes."""

    shape: tuple[int, ...]
    dtype: str
    """Such as ``float32``."""
    offset: int
    """Bytes from the start of the slot."""

    @property
    def nbytes(self) -> int:
        """Bytes of its elements."""
        count = 1
        for size in self.shape:
            count *= size
        return count * int(getattr(torch, self.dtype).itemsize)


@dataclass(frozen=True)
class SlotLayout:
    """Inputs, then outputs."""

    inputs: tuple[TensorLayout, ...]
    outputs: tuple[TensorLayout, ...]
    start_of_outputs: int
    nbytes: int


def lay_out(inputs: Iterable[tuple[Sequence[int], str]], outputs: Iterable[tuple[Sequence[int], str]]) -> SlotLayout:
    """Place tensors one after the other, each at a multiple of a cache line."""
    at = 0
    groups: list[tuple[TensorLayout, ...]] = []
    starts: list[int] = []
    for group in (inputs, outputs):
        starts.append(at)
        placed = []
        for shape, dtype in group:
            entry = TensorLayout(tuple(shape), dtype, at)
            placed.append(entry)
            at += -(-entry.nbytes // ALIGNED) * ALIGNED
        groups.append(tuple(placed))
    return SlotLayout(groups[0], groups[1], starts[1], max(at, ALIGNED))


class Arena:
    """The slots. Anonymous shared memory: no file, no name, gone with its last process."""

    def __init__(self, layout: SlotLayout, slots: int) -> None:
        self.layout, self.slots = layout, slots
        self._memory = mmap.mmap(-1, layout.nbytes * slots)
        self._bytes = torch.frombuffer(self._memory, dtype=torch.uint8)

    def inputs(self, slot: int) -> list[torch.Tensor]:
        """Views of a slot's inputs."""
        return [self._view(slot, entry) for entry in self.layout.inputs]

    def outputs(self, slot: int) -> list[torch.Tensor]:
        """Views of a slot's outputs."""
        return [self._view(slot, entry) for entry in self.layout.outputs]

    def poison(self, slot: int) -> None:
        """Overwrite a slot's outputs."""
        start = slot * self.layout.nbytes
        self._bytes[start + self.layout.start_of_outputs : start + self.layout.nbytes].fill_(POISON)

    def _view(self, slot: int, entry: TensorLayout) -> torch.Tensor:
        start = slot * self.layout.nbytes + entry.offset
        flat = self._bytes[start : start + entry.nbytes].view(getattr(torch, entry.dtype))
        return flat.view(entry.shape)
