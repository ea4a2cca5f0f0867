"""Inputs from a seed: the same on every machine, for a candidate's process and for the one that checks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

from bankable.kernels.operators import ragged
from bankable.kernels.operators.family import TensorSpec

KINDS = ("normal", "large", "tiny", "zeros", "outlier", "special", "strided")
"""``normal`` is what is timed; the others look for overflow, underflow, division by zero, NaN, infinities, strides."""
MARGIN = 24
"""Elements between the rows of a strided input; not a multiple of a vector."""


def make(specs: Iterable[TensorSpec], dtype: str, seed: int, kind: str = "normal") -> dict[str, torch.Tensor]:
    """Tensors by name. Raises ``ValueError`` for an unknown kind."""
    if kind not in KINDS:
        raise ValueError(f"no inputs of kind {kind}")
    generator = torch.Generator().manual_seed(seed)
    return {spec.name: _tensor(spec, getattr(torch, spec.dtype or dtype), generator, kind) for spec in specs}


def _tensor(spec: TensorSpec, dtype: torch.dtype, generator: torch.Generator, kind: str) -> torch.Tensor:
    if spec.kind in NUMBERS:
        return NUMBERS[spec.kind](spec, generator).view(spec.dims).to(dtype)
    if spec.kind == "table":
        return _angles(spec.dims[0], spec.dims[1]).to(dtype)
    values = torch.randn(spec.dims, generator=generator)
    if spec.kind == "probabilities":
        values = _probabilities(values, kind)
        kind = kind if kind in ("strided", "special") else "normal"
    if spec.kind == "weight":
        return (1 + 0.1 * values).to(dtype)
    if spec.kind == "matrix":
        return (values * spec.dims[-1] ** -0.5).to(dtype)
    rows = values.view(spec.dims[0], -1)
    count, columns = rows.shape
    if kind == "strided":
        wide = torch.full((count, columns + MARGIN), float("nan"), dtype=dtype)
        wide[:, :columns] = rows.to(dtype)
        return wide[:, :columns].unflatten(1, spec.dims[1:])
    if kind == "outlier" and spec.outlier != "none":
        (rows[:, 0] if spec.outlier == "column" else rows[0]).mul_(3e4)
    if kind == "special":
        for row, value in enumerate(spec.special):
            rows[row % count, min(row, columns - 1)] = value
    scale = {"large": 1e4, "tiny": 1e-18, "zeros": 0.0}.get(kind, 1.0)
    return (values * scale).to(dtype)


def _positions(spec: TensorSpec, generator: torch.Generator) -> torch.Tensor:
    return torch.randint(0, spec.limit, (spec.elements,), generator=generator)


def _distinct(spec: TensorSpec, generator: torch.Generator) -> torch.Tensor:
    return torch.randperm(spec.limit, generator=generator)[: spec.elements]


def _lengths(spec: TensorSpec, generator: torch.Generator) -> torch.Tensor:
    order = torch.randperm(spec.elements, generator=generator)
    return torch.tensor([ragged.length(int(request), spec.limit) for request in order])


def _counts(spec: TensorSpec, generator: torch.Generator) -> torch.Tensor:
    """Half of them are the limit: most requests of a server ask for the same."""
    drawn = torch.randint(1, spec.limit + 1, (spec.elements,), generator=generator)
    return torch.where(torch.rand(spec.elements, generator=generator) < 0.5, spec.limit, drawn)


def _shares(spec: TensorSpec, generator: torch.Generator) -> torch.Tensor:
    """A third of them are one, the others between a tenth and that."""
    drawn = 0.1 + 0.9 * torch.rand(spec.elements, generator=generator)
    return torch.where(torch.rand(spec.elements, generator=generator) < 1 / 3, 1.0, drawn)


NUMBERS: dict[str, Callable[[TensorSpec, torch.Generator], torch.Tensor]] = {
    "positions": _positions,
    "distinct": _distinct,
    "lengths": _lengths,
    "counts": _counts,
    "shares": _shares,
}


LOGITS = {"large": 1e4, "tiny": 1e-3, "zeros": 0.0}


def _probabilities(values: torch.Tensor, kind: str) -> torch.Tensor:
    """Softmax over rounded logits. ``large`` leaves nearly everything at zero, ``tiny`` everything nearly equal."""
    logits = (values * LOGITS.get(kind, 3.0)).bfloat16().float()
    if kind == "outlier":
        logits[:, 0] += 30.0
    return torch.softmax(logits, dim=-1)


def _angles(positions: int, head: int) -> torch.Tensor:
    """Cosines, then sines, of position · 10000^(−2i/head)."""
    rates = 10000.0 ** (-torch.arange(0, head, 2, dtype=torch.float64) / head)
    angles = torch.arange(positions, dtype=torch.float64)[:, None] * rates
    return torch.cat((angles.cos(), angles.sin()), dim=-1)
