"""The folder of this package, and the command line that starts one of its modules in another interpreter."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
"""What holds ``graph``, ``nodes``, ``tools`` and the others: a checkout, or the installed package."""
START = FOLDER / "tools" / "start.py"


BOOT = "import runpy, sys; runpy.run_path(sys.argv.pop(1))['register'](); "
"""Begins a program given with ``-c`` whose first argument is ``START``: from here on the package can be imported."""


def program(module: str, *arguments: str) -> list[str]:
    """Arguments for an interpreter: call ``main()`` of ``module`` (a dotted name), with nothing added to its path."""
    return [str(START), module, *arguments]
