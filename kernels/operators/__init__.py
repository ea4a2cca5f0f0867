"""The operators by name: every folder here that holds a ``definition.py``. Adding an operator is adding one folder.

A folder has

definition.py      ``FAMILY``: tensors, work, tolerance with its reason, patch point in the engine, parameters
shapes.py          ``SHAPES``: where it is measured, compiled and attacked if no captured task says
reference.py       ``OPERATOR``: the definition in torch, and how each kind of implementation is called
adapter.py         how a kernel takes the place of the engine's own method; self-contained, it is copied into overlays
kernel.cpp.j2      the C++ template; its entry point takes what ``ARGUMENTS`` of the adapter says
triton_kernel.py   ``PLAN``: the same operator as Triton kernels; may be missing
profile.toml       how a profile of the engine shows what it replaces; may be missing, if that has the operator's name
kernelbench.py     ``fits``: which KernelBench problems it may answer, with ``kernelbench_answer.py.j2``; may be missing

What needs torch is found by ``implementations.py``, what needs Triton by ``triton_kernels.py``, and ``profile.toml`` by
``tools/profiling/replaced.py``. Beside the folder, roles read a page: ``skills/operators/<name>.md``.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from bankable.kernels.operators.family import Family
from bankable.kernels.operators.shapes import OperatorShapes

FOLDER = Path(__file__).resolve().parent
NAMES = tuple(sorted(path.parent.name for path in FOLDER.glob("*/definition.py")))
FAMILIES: dict[str, Family] = {name: import_module(f"{__name__}.{name}.definition").FAMILY for name in NAMES}
SHAPES: dict[str, OperatorShapes] = {name: import_module(f"{__name__}.{name}.shapes").SHAPES for name in NAMES}


def triton_sources() -> list[Path]:
    """Files of the Triton kernels, and of what builds them."""
    return [*sorted(FOLDER.glob("*/triton_kernel.py")), *sorted((FOLDER.parent / "worker" / "triton").glob("*.py"))]
