"""Every operator's Triton implementation by its name: the ``PLAN`` of each ``triton_kernel.py``. Imports Triton."""

from __future__ import annotations

from importlib import import_module

from bankable.kernels.operators import FOLDER, NAMES
from bankable.kernels.worker.triton.launch import TritonPlan

PLANS: dict[str, TritonPlan] = {
    name: import_module(f"bankable.kernels.operators.{name}.triton_kernel").PLAN
    for name in NAMES
    if (FOLDER / name / "triton_kernel.py").is_file()
}
