"""Training data from recorded evaluations of kernels: rows, their rewards, and the formats that trainers read."""
