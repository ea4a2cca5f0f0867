"""Inputs from a seed: the same on every machine, for a candidate's process and for the one that checks it."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from kernels.family import TensorSpec

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
    if spec.kind == "positions":
        return torch.randint(0, 4096, spec.dims, generator=generator)
    if spec.kind == "table":
        return _angles(spec.dims[0], spec.dims[1]).to(dtype)
    values = torch.randn(spec.dims, generator=generator)
    if spec.kind == "weight":
        return (1 + 0.1 * values).to(dtype)
    if kind == "strided":
        wide = torch.full((spec.dims[0], spec.dims[1] + MARGIN), float("nan"), dtype=dtype)
        wide[:, : spec.dims[1]] = values.to(dtype)
        return wide[:, : spec.dims[1]]
    if kind == "outlier":
        values[:, 0] *= 3e4
    if kind == "special":
        for row, value in enumerate((float("nan"), float("inf"), -float("inf"))):
            values[row % spec.dims[0], min(row, spec.dims[1] - 1)] = value
    scale = {"large": 1e4, "tiny": 1e-18, "zeros": 0.0}.get(kind, 1.0)
    return (values * scale).to(dtype)


def _angles(positions: int, head: int) -> torch.Tensor:
    """Cosines, then sines, of position · 10000^(−2i/head)."""
    rates = 10000.0 ** (-torch.arange(0, head, 2, dtype=torch.float64) / head)
    angles = torch.arange(positions, dtype=torch.float64)[:, None] * rates
    return torch.cat((angles.cos(), angles.sin()), dim=-1)
