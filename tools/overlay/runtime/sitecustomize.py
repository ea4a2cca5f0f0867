"""Python runs this file at start where its folder is on ``PYTHONPATH``. Beside it is one folder per operator.

Nothing happens until the engine imports the module that an operator lives in; then the operator is replaced, watched
or captured as its ``seam.json`` says. To undo an overlay, take its folder off the path.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from _bankable.hook import after_import
from _bankable.point import OverlayPoint, read_points
from _bankable.report import Reporter


def _handler(point: OverlayPoint, reporter: Reporter) -> Any:
    """What acts at this patch point; imported only where it is needed."""
    if point.mode == "replace":
        from _bankable.replace import Replacement  # noqa: PLC0415 - most processes of a server replace nothing

        return Replacement(point)
    if point.mode == "capture":
        from _bankable.capture import Capture  # noqa: PLC0415 - only a launch that captures needs it

        return Capture(point, reporter.folder)
    from _bankable.watch import Watch  # noqa: PLC0415 - as above

    return Watch(point)


def _install(mine: list[OverlayPoint], reporter: Reporter, module: ModuleType) -> None:
    for point in mine:
        handler = _handler(point, reporter)
        handler.install(module)
        reporter.add(handler.lines)


def main() -> None:
    """Never raises: a server must start with or without us."""
    try:
        reporter = Reporter()
        by_module: dict[str, list[OverlayPoint]] = {}
        for point in read_points(Path(__file__).resolve().parent):
            by_module.setdefault(point.module, []).append(point)
        callbacks: dict[str, Callable[[ModuleType], None]] = {
            name: partial(_install, mine, reporter) for name, mine in by_module.items()
        }
        after_import(callbacks)
    except Exception as problem:  # as the docstring says
        print(f"bankable: no overlay: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)


main()
