"""The engine: finds an interpreter that has sglang, and queries its capabilities in a subprocess, once per run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import EngineIdentity, KernelPackage
from bankable.tools.serving.environment import isolate_environment
from bankable.tools.serving.tree import TreeDigest

ENV_PYTHON = "BANKABLE_ENGINE_PYTHON"
STANDIN = Path(__file__).resolve().parent / "standin"
"""Folder with the CPU stand-in for sglang's kernel package; goes on the engine's ``PYTHONPATH`` on a CPU."""
PROBE = Path(__file__).resolve().parent / "engine_probe.py"
PROBE_TIMEOUT_S = 600.0
"""Importing sglang takes 8 s on a quiet machine and minutes on a loaded one."""
INSTALL_HINT = "give --engine-python, set BANKABLE_ENGINE_PYTHON, or make .venv-engine as the README says"


class _Kernels(BaseModel):
    """The kernel package, as the probe describes it."""

    model_config = ConfigDict(frozen=True)

    name: str
    """Name of the installed distribution."""
    version: str
    """Its version."""
    folder: Path
    """Folder of the package."""
    operators: frozenset[str]
    """Registered operators, on a CPU."""
    live: bool
    """Whether the engine dispatches to them on this machine."""
    problem: str
    """Why the package cannot be used; empty for one that can."""


class _Answer(BaseModel):
    """What the probe prints."""

    model_config = ConfigDict(frozen=True)

    python: str
    """Version of the interpreter."""
    sglang: str
    """Version of sglang, or ``unknown``."""
    torch: str
    """Version of torch, or ``unknown``."""
    package: Path
    """Folder of the sglang package."""
    device: Literal["cpu", "cuda", "rocm"]
    """Kind of device that the engine would run on."""
    devices: tuple[str, ...]
    """Names of the devices that torch sees."""
    standin_needed: bool
    """True on a CPU engine without a usable kernel package."""
    kernels: _Kernels | None = None
    """The installed kernel package, usable or not."""
    flags: frozenset[str]
    """Long names, with underscores, of all flags that the server accepts."""
    versions: dict[str, str]
    """Versions of the installed packages that matter to serving, by name."""


@dataclass(frozen=True)
class InstalledKernels:
    """The engine's kernel package, where it can be used."""

    name: str
    """Name of the installed distribution."""
    version: str
    operators: frozenset[str]
    """Registered operators, on a CPU."""
    live: bool
    """Whether the engine dispatches to them on this machine."""
    tree: TreeDigest
    """Over every file of the package."""

    def text(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"

    def identity(self) -> KernelPackage:
        """The package as it is now."""
        return KernelPackage(name=self.name, version=self.version, digest=self.tree.compute(), live=self.live)


@dataclass(frozen=True)
class Engine:
    """An engine that can be launched."""

    python: Path
    """Interpreter."""
    device: Literal["cpu", "cuda", "rocm"]
    device_set: tuple[str, ...]
    """Names of the devices that torch sees."""
    standin_needed: bool
    """True on a CPU engine without a usable kernel package."""
    sglang: str
    torch: str
    flags: frozenset[str]
    """Long names, with underscores, of all flags that this version of the server accepts."""
    versions: dict[str, str]
    python_version: str
    tree: TreeDigest
    kernels: InstalledKernels | None = None
    """The kernel package; ``None`` without one that can be used."""
    kernel_problem: str = ""
    """Why an installed kernel package cannot be used; empty without such a one."""

    def identity(self) -> EngineIdentity:
        """What a launch made now would run; the digest is taken anew each time, so an edit in between is seen."""
        return EngineIdentity(
            python=self.python_version,
            sglang=self.sglang,
            torch=self.torch,
            tree_digest=self.tree.compute(),
            versions=self.versions,
            kernels=self.kernels.identity() if self.kernels is not None else None,
        )


def find_engine(
    python: Path | None = None, environ: Mapping[str, str] | None = None, timeout_s: float = PROBE_TIMEOUT_S
) -> Engine:
    """The engine to use: ``python``, else ``BANKABLE_ENGINE_PYTHON``, else ``.venv-engine``, else this interpreter.

    Raises ``UserError`` when the interpreter is not there or cannot import sglang.
    """
    interpreter = engine_python(python, environ)
    answer = _ask(interpreter, timeout_s)
    return Engine(
        python=interpreter,
        device=answer.device,
        device_set=answer.devices,
        standin_needed=answer.standin_needed,
        sglang=answer.sglang,
        torch=answer.torch,
        flags=answer.flags,
        versions=answer.versions,
        python_version=answer.python,
        tree=TreeDigest(answer.package),
        kernels=_usable(answer.kernels),
        kernel_problem=_problem(answer.kernels),
    )


def _usable(kernels: _Kernels | None) -> InstalledKernels | None:
    if kernels is None or kernels.problem:
        return None
    tree = TreeDigest(kernels.folder, compiled=True)
    return InstalledKernels(kernels.name, kernels.version, kernels.operators, kernels.live, tree)


def _problem(kernels: _Kernels | None) -> str:
    return f"{kernels.name} {kernels.version} {kernels.problem}" if kernels is not None and kernels.problem else ""


def engine_python(python: Path | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """The first interpreter that was asked for, not looked into; only an implicit one may be missing."""
    environ = os.environ if environ is None else environ
    named = python or (Path(environ[ENV_PYTHON]) if environ.get(ENV_PYTHON) else None)
    if named is not None:
        # Not resolved: a virtual environment is recognised by the path its interpreter link lies at.
        if not (named.is_file() and os.access(named, os.X_OK)):
            raise UserError(
                "Cannot use the engine: engine interpreter not found",
                str(named),
                "give the python of an environment with sglang",
            )
        return named.absolute()
    project = Path(__file__).resolve().parents[2]
    for folder in (Path.cwd(), project):
        candidate = folder / ".venv-engine" / "bin" / "python"
        if candidate.is_file():
            return candidate
    return Path(sys.executable)


def _ask(interpreter: Path, timeout_s: float) -> _Answer:
    try:
        with tempfile.TemporaryDirectory(prefix="bankable-probe-") as folder:
            done = subprocess.run(
                [str(interpreter), str(PROBE), str(STANDIN)],
                env=isolate_environment({"OMP_NUM_THREADS": "1"}),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise UserError(
            f"Cannot use the engine: timed out after {timeout_s:.0f} s",
            str(interpreter),
            "try again on a quieter machine",
        ) from error
    except OSError as error:
        raise UserError(
            f"Cannot use the engine: engine interpreter does not start, {error}", str(interpreter), INSTALL_HINT
        ) from error
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    complaint = done.stderr.decode("utf-8", "replace").strip().splitlines()
    try:
        reply = json.loads(lines[-1]) if lines else {}
        if isinstance(reply, dict) and "missing" in reply:
            raise UserError(
                f"Cannot use the engine: {reply['missing']} is not installed in the engine",
                str(interpreter),
                INSTALL_HINT,
            )
        return _Answer.model_validate(reply)
    except (ValueError, ValidationError) as error:
        last = complaint[-1][:300] if complaint else f"exit status {done.returncode}"
        raise UserError(
            f"Cannot use the engine: sglang cannot be imported by the engine, {last}", str(interpreter), INSTALL_HINT
        ) from error
