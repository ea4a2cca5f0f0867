"""Every operator's code by its name: the ``OPERATOR`` of each folder's ``reference.py``. Imports torch."""

from __future__ import annotations

from importlib import import_module

from bankable.kernels.operators import NAMES
from bankable.kernels.operators.torch_operator import Operator

OPERATORS: dict[str, Operator] = {
    name: import_module(f"bankable.kernels.operators.{name}.reference").OPERATOR for name in NAMES
}
