"""How each family's kernel takes the place of the engine's own method. One self-contained file per family.

A file here is copied into an overlay, where it knows nothing of this package. It has ``inputs`` (a call's tensors by
the family's names, ``None`` for a call that the family does not cover), ``dims`` (their shape in the family's axes),
``outputs`` (a result as tensors) and ``replace`` (from the live method and the kernel to the method that stands in).
The overlay adds ``KERNEL`` (sha256 of the kernel's source) and ``DTYPE``.
"""
