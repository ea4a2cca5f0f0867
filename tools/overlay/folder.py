"""Writes an overlay: a folder that replaces, watches or captures operators of an engine whose path it is put on.

sitecustomize.py, _bankable/      the runtime: our own files, the same in every overlay
<operator>/seam.json               module and attribute, and what is to happen there
<operator>/replacement.py          how the kernel takes the method's place
<operator>/kernel.cpp              the kernel itself; it is compiled where the overlay runs
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from bankable.tools.evidence.canonical import canonical, digest
from bankable.tools.evidence.records import Scalar
from bankable.tools.evidence.store import json_bytes, write_once

RUNTIME = Path(__file__).resolve().parent / "runtime"
BUILD = Path(__file__).resolve().parent / "build.py"
Mode = Literal["replace", "watch", "capture"]


@dataclass(frozen=True)
class OperatorPatch:
    """An operator of the engine, and what is to happen at its attribute."""

    operator: str
    module: str
    attribute: str
    mode: Mode
    replacement: str = ""
    """Python source, self-contained; empty where the operator is only watched."""
    dtype: str = "bfloat16"


@dataclass(frozen=True)
class Kernel:
    """A replacement's kernel."""

    implementation: str
    source: str
    """C++."""
    flags: tuple[str, ...]
    tolerance: float
    """Largest relative error against the live implementation inside the server; beyond it, live takes over."""
    parameters: dict[str, Scalar] = field(default_factory=dict)


def write_overlay(folder: Path, patches: Iterable[OperatorPatch], kernels: dict[str, Kernel] | None = None) -> str:
    """Write an overlay and return its digest. The same content may be written again; other content is refused."""
    files = dict(_files(patches, kernels or {}))
    for name, content in files.items():
        write_once(folder / name, content)
    return files_digest(files)


def overlay_digest(folder: Path) -> str:
    """Digest over every file of an overlay folder, by its path in it."""
    return files_digest(
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    )


def compiled_files(folder: Path) -> list[Path]:
    """Compiled Python in an overlay: it would run instead of the sources that the digest and the class are of."""
    return sorted(path for path in folder.rglob("*") if path.suffix in (".pyc", ".pyo"))


def files_digest(files: dict[str, bytes]) -> str:
    """sha256 over paths and digests of files."""
    return digest(canonical({name: hashlib.sha256(content).hexdigest() for name, content in files.items()}))


def planned_digest(patches: Iterable[OperatorPatch], kernels: dict[str, Kernel]) -> str:
    """The digest that ``write_overlay`` would return."""
    return files_digest(dict(_files(patches, kernels)))


def replacement_source(patch: OperatorPatch, kernel: Kernel | None) -> bytes:
    """``replacement.py`` of an operator: the adapter, bound to one kernel and one dtype."""
    named = hashlib.sha256(kernel.source.encode()).hexdigest() if kernel is not None else ""
    return f'{patch.replacement}\n\nKERNEL = "{named}"\nDTYPE = torch.{patch.dtype}\n'.encode()


@cache
def runtime_files() -> dict[str, bytes]:
    """The runtime's files by name; the compiler module is shared with code outside of overlays."""
    files = {path.relative_to(RUNTIME).as_posix(): path.read_bytes() for path in sorted(RUNTIME.rglob("*.py"))}
    return files | {"_bankable/build.py": BUILD.read_bytes()}


def _files(patches: Iterable[OperatorPatch], kernels: dict[str, Kernel]) -> Iterator[tuple[str, bytes]]:
    yield from runtime_files().items()
    for patch in patches:
        kernel = kernels.get(patch.operator)
        fields: dict[str, object] = {
            "operator": patch.operator,
            "module": patch.module,
            "attribute": patch.attribute,
            "mode": patch.mode,
        }
        if patch.replacement:
            yield f"{patch.operator}/replacement.py", replacement_source(patch, kernel)
        if kernel is not None:
            source = kernel.source.encode()
            fields |= {
                "implementation": kernel.implementation,
                "tolerance": kernel.tolerance,
                "parameters": kernel.parameters,
                "kernel": {"digest": hashlib.sha256(source).hexdigest(), "flags": list(kernel.flags)},
            }
            yield f"{patch.operator}/kernel.cpp", source
        yield f"{patch.operator}/seam.json", json_bytes(fields)
