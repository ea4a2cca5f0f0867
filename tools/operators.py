"""The names of the replaceable operators, read from their folders: tools import no kernel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bankable.tools.package import FOLDER

OPERATORS = FOLDER / "kernels" / "operators"


@cache
def operator_folders(root: Path = OPERATORS) -> dict[str, Path]:
    """By name, sorted: every folder with a ``definition.py``, as ``bankable.kernels.operators`` finds them too."""
    return {path.parent.name: path.parent for path in sorted(root.glob("*/definition.py"))}
