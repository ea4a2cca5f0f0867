"""Shapes of this operator for benchmarks, compilation without a GPU, and the hostile bench."""

from __future__ import annotations

from bankable.kernels.operators.shapes import OperatorShapes

SHAPES = OperatorShapes(
    served="12x1024x20:8,4x1024x20:1",
    held_out="5x1024x20",
    large="16x128256x50,64x151936x20,64x151936x50",
    compiled="64x151936x50",
    attacked=("4x512x16", "5x333x16"),
)
