"""The same operators as Triton kernels, for GPUs; imported under the engine's interpreter, where Triton is.

Without a GPU they can be run by Triton's interpreter, and compiled for a GPU that is not there.
"""

SHAPES = {
    "rms_norm": "64x4096",
    "fused_add_rms_norm": "64x4096",
    "silu_and_mul": "64x14336",
    "rotary": "64x32x8x128",
    "qk_norm_rotary": "64x32x8x128",
    "decode_attention": "64x32x8x128x4096",
    "linear": "64x4096x4096",
    "top_k_sampling": "64x151936x50",
}
"""Each family with a shape as a model of eight billion parameters has it."""
