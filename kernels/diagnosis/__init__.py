"""Diagnosis of a kernel: what limits it, by the findings of several layers, and which change to try next."""
