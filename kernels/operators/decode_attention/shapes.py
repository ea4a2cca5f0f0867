"""Shapes of this operator for benchmarks, compilation without a GPU, and the hostile bench."""

from __future__ import annotations

from bankable.kernels.operators.shapes import OperatorShapes

SHAPES = OperatorShapes(
    served="4x4x2x64x144:8,12x4x2x64x400:1",
    held_out="5x4x2x64x150",
    large="16x32x8x128x4096,64x32x8x128x2048,64x64x8x128x4096",
    compiled="64x32x8x128x4096",
    attacked=("4x4x2x64x48", "3x6x2x46x37"),
)
