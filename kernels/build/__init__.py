"""Builds kernels: renders templates, compiles them, screens the binaries, and packs them into overlays."""
