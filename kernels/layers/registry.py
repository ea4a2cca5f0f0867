"""Which layers there are: those of this package, and those that other packages registered for their accelerators."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

from kernels.layers.layer import Layer

GROUP = "bankable.accelerators"
"""Entry points of this group name a layer: ``my_chip = my_package.my_module:LAYER``."""
BUILT_IN = (
    "kernels.layers.code:LAYER", "kernels.layers.roof:LAYER", "kernels.layers.correctness:LAYER",
    "kernels.layers.performance:LAYER", "kernels.layers.overhead:LAYER", "kernels.layers.system:LAYER",
    "kernels.layers.perf:LAYER", "kernels.layers.counted:LAYER", "kernels.layers.ncu:LAYER",
    "kernels.layers.rocprof:LAYER", "kernels.layers.offline:LAYER", "kernels.layers.intra_kernel:LAYER",
)  # fmt: skip
"""In the order in which they are shown."""


def load(reference: str) -> Layer:
    """The layer under ``module:attribute``. Raises whatever its import raises, ``TypeError`` for what is no layer."""
    module, _, attribute = reference.partition(":")
    found = getattr(importlib.import_module(module), attribute or "LAYER")
    if isinstance(found, type):
        found = found()
    if not isinstance(found, Layer):
        raise TypeError(f"{reference} is a {type(found).__name__}, not a kernels.layers.layer.Layer")
    return found


def accelerators() -> dict[str, str]:
    """References of registered plug-ins by the name of their entry point; none of them is imported."""
    return {entry.name: entry.value for entry in sorted(entry_points(group=GROUP), key=lambda one: one.name)}
