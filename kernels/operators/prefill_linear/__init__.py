"""Linear of few rows: y = x · Wᵀ, as decoding has it, where the whole of W is read for a handful of rows."""
