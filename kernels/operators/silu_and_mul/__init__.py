"""SiLU and multiply: y = silu(a) · b, where a and b are the halves of the last axis."""
