"""Shapes of this operator for benchmarks, compilation without a GPU, and the hostile bench."""

from __future__ import annotations

from bankable.kernels.operators.shapes import OperatorShapes

SHAPES = OperatorShapes(
    served="4x768:8,128x768:1",
    held_out="5x768",
    large="64x14336,4096x14336,8192x14336",
    compiled="64x14336",
    attacked=("4x64", "5x67"),
)
