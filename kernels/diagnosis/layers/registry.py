"""The registry of layers: those of this package, and those that other packages registered for their accelerators."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

from bankable.kernels.diagnosis.layers.layer import Layer

GROUP = "bankable.accelerators"
"""Entry points of this group name a layer: ``my_chip = my_package.my_module:LAYER``."""
BUILT_IN = (
    "bankable.kernels.diagnosis.layers.code:LAYER",
    "bankable.kernels.diagnosis.layers.roof:LAYER",
    "bankable.kernels.diagnosis.layers.correctness:LAYER",
    "bankable.kernels.diagnosis.layers.performance:LAYER",
    "bankable.kernels.diagnosis.layers.overhead:LAYER",
    "bankable.kernels.diagnosis.layers.system:LAYER",
    "bankable.kernels.diagnosis.layers.perf:LAYER",
    "bankable.kernels.diagnosis.layers.instruction_counts:LAYER",
    "bankable.kernels.diagnosis.layers.ncu:LAYER",
    "bankable.kernels.diagnosis.layers.rocprof:LAYER",
    "bankable.kernels.diagnosis.layers.offline:LAYER",
    "bankable.kernels.diagnosis.layers.intra_kernel:LAYER",
)
"""In the order in which they are shown."""


def load(reference: str) -> Layer:
    """The layer under ``module:attribute``. Raises any error of its import, ``TypeError`` for anything but a layer."""
    module, _, attribute = reference.partition(":")
    layer = getattr(importlib.import_module(module), attribute or "LAYER")
    if isinstance(layer, type):
        layer = layer()
    if not isinstance(layer, Layer):
        raise TypeError(f"{reference} is a {type(layer).__name__}, not a bankable.kernels.diagnosis.layers.layer.Layer")
    return layer


def accelerators() -> dict[str, str]:
    """References of registered plug-ins by the name of their entry point; none of them is imported."""
    return {entry.name: entry.value for entry in sorted(entry_points(group=GROUP), key=lambda one: one.name)}
