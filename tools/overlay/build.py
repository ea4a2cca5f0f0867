"""Compiles a kernel into a folder that is addressed by content: the same source is compiled once per machine."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

LIMIT_S = 300.0
"""A kernel compiles in two seconds on a quiet machine."""


class BuildError(Exception):
    """The compiler's complaint."""


def build(
    source: bytes, flags: Sequence[str], command: str, cache: Path, environment: Mapping[str, str]
) -> tuple[Path, bool]:
    """The shared object of a C++ source, and whether it was there already. Raises ``BuildError``."""
    digest = hashlib.sha256(source).hexdigest()
    cache_key = "\n".join([digest, version(command), _processor()])
    folder = cache / hashlib.sha256(cache_key.encode()).hexdigest()
    binary = folder / "kernel.so"
    if binary.is_file():
        return binary, True
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        text, fresh = Path(scratch) / "source.cpp", Path(scratch) / "kernel.so"
        text.write_bytes(source)
        arguments = [command, *flags, f'-DBANKABLE_SOURCE="{digest}"', "-o", str(fresh), str(text)]
        try:
            done = subprocess.run(
                arguments,
                env=dict(environment),
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BuildError(f"timed out after {LIMIT_S:.0f} s") from None
        except OSError as problem:
            raise BuildError(f"{command}: {problem.strerror}") from None
        if done.returncode != 0:
            raise BuildError(done.stderr.decode("utf-8", "replace").strip())
        text.replace(folder / "source.cpp")
        fresh.replace(binary)  # whole or not at all, also beside another process that compiles the same
    return binary, False


def cache_folder() -> Path:
    """Where compiled kernels are kept: ``$XDG_CACHE_HOME/bankable/kernels``."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "bankable" / "kernels"


@functools.lru_cache(maxsize=8)
def version(command: str) -> str:
    """First line of what the compiler says about itself; its name where it says nothing."""
    try:
        done = subprocess.run([command, "--version"], capture_output=True, check=False)
    except OSError:
        return command
    return done.stdout.decode("utf-8", "replace").splitlines()[0] if done.stdout else command


@functools.lru_cache(maxsize=1)
def _processor() -> str:
    """What ``-march=native`` stands for here: a cache on a shared disk serves several kinds of machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("flags")), platform.machine())
