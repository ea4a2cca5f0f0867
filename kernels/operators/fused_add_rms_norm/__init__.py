"""Add and RMSNorm in one: r = x + residual, y = RMSNorm(r); both are handed back."""
