"""Records the arguments of a compiled kernel, so that a program without Python can call it the same way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from bankable.kernels.operators.family import Dims
from bankable.kernels.operators.torch_operator import TYPES, Operator
from bankable.kernels.worker.measure import inputs_of

SEED = 20_240_229
"""Counts are of one fixed set of inputs: a counter that is read again gives the same figure."""


class _Entry:
    """Stands in for a library's function: records its arguments."""

    def __init__(self) -> None:
        self.argtypes: list[Any] = []
        self.restype: Any = None
        self.values: list[Any] = []

    def __call__(self, *values: Any) -> None:
        self.values = list(values)


class _Library:
    def __init__(self) -> None:
        self.bankable_run = _Entry()


def write_call(operator: Operator, dims: Dims, dtype: str, folder: Path) -> Path:
    """A text file of blocks of memory and arguments, beside the blocks' contents. Raises ``ValueError`` for a pointer
    that lies in no tensor.

    ``b BYTES FILE`` is a block (``-``: an output, nothing in it), ``p BLOCK OFFSET`` a pointer into one, ``i`` an
    integer, ``f`` a float.
    """
    tensors = inputs_of(operator, dims, dtype, SEED, "counted", "normal")
    outputs = [
        torch.zeros(spec.dims, dtype=getattr(torch, spec.dtype or dtype)) for spec in operator.family.outputs(dims)
    ]
    library = _Library()
    operator.native(library)(tensors, outputs)  # type: ignore[arg-type] # only its entry point is used, and recorded
    blocks = [*tensors.values(), *outputs]
    lines = []
    for index, tensor in enumerate(blocks):
        name = f"block-{index}.bin" if index < len(tensors) else "-"
        if name != "-":
            tensor.contiguous().view(-1).view(torch.uint8).numpy().tofile(folder / name)
        lines.append(f"b {tensor.nbytes} {name}")
    entry = library.bankable_run
    for kind, value in zip(entry.argtypes, entry.values, strict=True):
        if kind is TYPES["pointer"]:
            index, offset = _within(blocks, value)
            lines.append(f"p {index} {offset}")
        else:
            lines.append(f"f {float(value).hex()}" if kind is TYPES["real"] else f"i {value}")
    path = folder / "call.txt"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def _within(blocks: Sequence[torch.Tensor], address: int) -> tuple[int, int]:
    for index, tensor in enumerate(blocks):
        start = tensor.data_ptr()
        if start <= address < start + tensor.nbytes:
            return index, address - start
    raise ValueError("the kernel was given memory outside its tensors")
