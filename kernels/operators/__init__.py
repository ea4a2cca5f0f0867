"""The operators by name: every folder here that holds a ``definition.py``. Adding an operator is adding one folder.

A folder has ``definition.py`` (tensors, work, tolerance with its reason, patch point in the engine, parameters),
``reference.py`` (the definition in torch, and how each kind of implementation is called), ``adapter.py`` (how a kernel
takes the place of the engine's own method), ``kernel.cpp.j2`` (the C++ template) and ``triton_kernel.py``.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from bankable.kernels.operators.family import Family

FOLDER = Path(__file__).resolve().parent
NAMES = tuple(sorted(path.parent.name for path in FOLDER.glob("*/definition.py")))
FAMILIES: dict[str, Family] = {name: import_module(f"{__name__}.{name}.definition").FAMILY for name in NAMES}


def triton_sources() -> list[Path]:
    """Files of the Triton kernels, and of what builds them."""
    return [FOLDER / name / "triton_kernel.py" for name in NAMES] + sorted(
        (FOLDER.parent / "worker" / "triton").glob("*.py")
    )
