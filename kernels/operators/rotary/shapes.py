"""Shapes of this operator for benchmarks, compilation without a GPU, and the hostile bench."""

from __future__ import annotations

from bankable.kernels.operators.shapes import OperatorShapes

SHAPES = OperatorShapes(
    served="4x4x2x64:8,128x4x2x64:1",
    held_out="5x4x2x64",
    large="64x32x8x128,4096x32x8x128,16384x32x8x128",
    compiled="64x32x8x128",
    attacked=("4x4x2x64", "3x3x1x46"),
)
