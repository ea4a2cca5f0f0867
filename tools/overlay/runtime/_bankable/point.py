"""One operator's folder beside ``sitecustomize.py``: what its ``seam.json`` says, and which attribute it names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class OverlayPoint:
    """Where the live path calls the operator, and what is to happen there."""

    folder: Path
    operator: str
    module: str
    attribute: str
    mode: str
    """``replace``, ``watch`` (change nothing, report what is there) or ``capture`` (record real calls)."""
    settings: dict[str, Any]
    """The rest of ``seam.json``."""

    def owner(self, module: ModuleType) -> tuple[Any, str]:
        """The object that holds the attribute, and the attribute's last name."""
        *path, name = self.attribute.split(".")
        owner: Any = module
        for part in path:
            owner = getattr(owner, part)
        return owner, name


def read_points(folder: Path) -> list[OverlayPoint]:
    """Every operator below a folder, by name."""
    points = []
    for path in sorted(folder.glob("*/seam.json")):
        settings = json.loads(path.read_bytes())
        named = {key: str(settings.pop(key)) for key in ("operator", "module", "attribute", "mode")}
        points.append(OverlayPoint(path.parent, settings=settings, **named))
    return points


def source_of(function: Callable[..., Any]) -> tuple[str, str]:
    """Path and sha256 of the file that a function's code stands in; empty where there is none."""
    code = getattr(function, "__code__", None)
    path = Path(code.co_filename) if code is not None else None
    if path is None or not path.is_file():
        return "", ""
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest()


def load(path: Path, name: str) -> ModuleType:
    """A Python file as a module of its own, under a name that nobody imports."""
    module = ModuleType(name)
    module.__file__ = str(path)
    exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    return module


def uncompiled(function: Callable[..., Any]) -> Any:
    """Have ``torch.compile`` break its graph here: it cannot trace into a kernel, whose pointers are real."""
    import torch  # noqa: PLC0415 - the engine has imported it by now; this file is imported before the engine is

    return torch.compiler.disable(function)
