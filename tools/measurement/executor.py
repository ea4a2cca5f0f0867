"""Names of the executors for candidate kernels: processes of this machine, or a Ray cluster."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal, get_args

from bankable.tools.errors import UserError

ExecutorName = Literal["local", "ray"]


def choose_executor(wanted: str) -> ExecutorName:
    """``wanted``, if there is one of that name. Raises ``UserError`` where there is none, or Ray is not installed."""
    names: tuple[ExecutorName, ...] = get_args(ExecutorName)
    executor = next((name for name in names if name == wanted), None)
    if executor is None:
        raise UserError(
            f"Cannot evaluate candidates: invalid value {wanted!r} for --executor",
            "--executor",
            f"use one of {', '.join(names)}",
        )
    if executor == "ray" and find_spec("ray") is None:
        raise UserError(
            "Cannot evaluate candidates: Ray is not installed",
            "--executor ray",
            "install ray with pip, or use --executor local",
        )
    return executor
