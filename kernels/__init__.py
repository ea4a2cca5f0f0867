"""Operators: definition, reference and kernels at served shapes; how candidates are built, timed and searched."""
