"""The same operators as Triton kernels, for GPUs; imported under the engine's interpreter, where Triton is.

Without a GPU they can be run by Triton's interpreter, and compiled for a GPU that is not there.
"""
