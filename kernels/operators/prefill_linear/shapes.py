"""Shapes of this operator for benchmarks, compilation without a GPU, and the hostile bench."""

from __future__ import annotations

from bankable.kernels.operators.shapes import OperatorShapes

SHAPES = OperatorShapes(
    served="512x512x256:4,512x256x256:4,512x1024x256:4,512x256x512:4",
    held_out="515x512x256",
    large="512x4096x4096,2048x6144x4096,2048x28672x4096",
    compiled="512x4096x4096",
    attacked=("72x64x64", "75x67x64"),
)
