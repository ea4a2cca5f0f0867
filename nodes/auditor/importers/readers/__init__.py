"""One file for each format of another tool's results: whatever module here has a ``FORMAT`` is a reader."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from bankable.nodes.auditor.importers.format import Format


def _formats() -> Iterator[Format]:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        file_format = getattr(importlib.import_module(module.name), "FORMAT", None)
        if isinstance(file_format, Format):
            yield file_format


FORMATS: tuple[Format, ...] = tuple(sorted(_formats(), key=lambda file_format: file_format.catches_all))
"""In the order in which they are tried: by module name, those that recognise any record with figures last."""
KNOWN = ", ".join(file_format.name for file_format in FORMATS)
