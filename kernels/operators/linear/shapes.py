"""Shapes of this operator for benchmarks, compilation without a GPU, and the hostile bench."""

from __future__ import annotations

from bankable.kernels.operators.shapes import OperatorShapes

SHAPES = OperatorShapes(
    served="4x512x256:4,4x256x256:4,4x1536x256:4,4x256x768:4",
    held_out="5x512x256",
    large="1x4096x4096,16x6144x4096,64x28672x4096",
    compiled="64x4096x4096",
    attacked=("4x64x64", "5x67x64"),
)
