"""Plug-in interface for other accelerators (sixth layer): a package registers by an entry point, see README.md."""

from __future__ import annotations

from pydantic import Field

from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding
from bankable.kernels.diagnosis.record import Bound
from bankable.tools.evidence.records import Record


class Figure(Record):
    """One measured number."""

    name: str = Field(max_length=80)
    """What was measured."""
    value: float = Field(allow_inf_nan=False)
    """In ``unit``."""
    unit: str = Field(max_length=40)
    """Unit of the value; empty for a plain number."""


class AcceleratorFinding(LayerFinding):
    """Finding of every accelerator's layer: reading it needs no type of the plug-in."""

    device: str = Field(max_length=120)
    """Name of the device."""
    figures: tuple[Figure, ...] = Field(default=(), max_length=200)
    """Measured numbers, the most important first."""
    bound: Bound = "unknown"
    """What limits the kernel there, as far as the device's own tools show."""
    evidence: tuple[str, ...] = Field(default=(), max_length=20)
    """Lines that lead to the bound."""
    missing: tuple[str, ...] = Field(default=(), max_length=50)
    """What could not be measured, and why."""

    def describe(self) -> str:
        figures = ", ".join(f"{figure.name} {figure.value:.4g} {figure.unit}".rstrip() for figure in self.figures[:6])
        return f"{self.device}: {figures or 'no figures'}"


class AcceleratorLayer(Layer):
    """Base of plug-ins."""

    number = 6
    finding_type = AcceleratorFinding
