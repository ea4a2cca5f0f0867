"""The same operators as Triton kernels, for GPUs; imported under the engine's interpreter, where Triton is.

Without a GPU they can be run by Triton's interpreter, and compiled for a GPU that is not there.
"""

SHAPES = {
    "rms_norm": "64x4096", "fused_add_rms_norm": "64x4096", "silu_and_mul": "64x14336", "rotary": "64x32x8x128",
}  # fmt: skip
"""Families that have a Triton kernel, each with a shape as a model of eight billion parameters has it."""
