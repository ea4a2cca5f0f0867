"""Shapes of this operator for benchmarks, compilation without a GPU, and the hostile bench."""

from __future__ import annotations

from bankable.kernels.operators.shapes import OperatorShapes

SHAPES = OperatorShapes(
    served="4x256:8,128x256:1",
    held_out="5x256",
    large="64x4096,4096x4096,16384x4096,8192x8192",
    compiled="64x4096",
    attacked=("4x64", "5x67"),
)
