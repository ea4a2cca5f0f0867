"""Benches of the kernel track itself: hostile kernels through the harness, search policies, families side by side."""
