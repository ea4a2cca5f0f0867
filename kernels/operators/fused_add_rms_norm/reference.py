"""Add and RMSNorm on the engine's side; it shares everything with RMSNorm."""

from bankable.kernels.operators.rms_norm.reference import FUSED_ADD_RMS_NORM

__all__ = ["FUSED_ADD_RMS_NORM"]
