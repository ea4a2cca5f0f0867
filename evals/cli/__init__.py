"""The commands of ``python -m evals``, one module per subject."""
