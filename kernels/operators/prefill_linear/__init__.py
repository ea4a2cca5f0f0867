"""Linear of many rows: y = x · Wᵀ, as prefill has it: a matrix product that is bound by arithmetic."""
