"""RMSNorm: y = x · w / √(mean(x²) + ε), over the last axis."""
