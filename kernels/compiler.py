"""Compiles kernels into a folder that is addressed by content: the same source is compiled once per machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from kernels.render import Source
from tools.errors import UserError
from tools.evidence.canonical import digest
from tools.evidence.store import write_once
from tools.serving.environment import inherited

LIMIT_S = 300.0
"""A kernel compiles in two seconds on a quiet machine."""
SAID = 2000
"""Characters of the compiler's complaint that are kept."""


@dataclass(frozen=True)
class Compiled:
    """A shared object that can be loaded, beside the source that it came from."""

    source: Source
    binary: Path
    cached: bool


@dataclass(frozen=True)
class CompileError:
    """The compiler's answer to a kernel that is none."""

    source: Source
    reason: str


class Compiler:
    """The system's C++ compiler with a cache folder."""

    def __init__(self, cache: Path | None = None, command: str = "g++") -> None:
        self.cache = cache or _cache_folder()
        self.command = command
        found = shutil.which(command)
        if found is None:
            raise UserError(f"no C++ compiler {command}", "", "install one (Debian: build-essential)")
        self.version = _version(found)

    def compile(self, source: Source) -> Compiled | CompileError:
        """The shared object of a source, from the cache where it is there."""
        key = digest("\n".join([source.digest, self.version, _processor()]).encode())
        folder = self.cache / key
        binary = folder / "kernel.so"
        if binary.is_file():
            return Compiled(source, binary, cached=True)
        write_once(folder / "source.cpp", source.text.encode())
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            fresh = Path(scratch) / "kernel.so"
            command = [
                self.command, *source.flags, f'-DBANKABLE_SOURCE="{source.digest}"', "-o", str(fresh),
                str(folder / "source.cpp"),
            ]  # fmt: skip
            try:
                done = subprocess.run(
                    command, env=inherited(), cwd=scratch, stdin=subprocess.DEVNULL, capture_output=True,
                    timeout=LIMIT_S, check=False,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                return CompileError(source, f"no end after {LIMIT_S:.0f} s")
            if done.returncode != 0:
                return CompileError(source, done.stderr.decode("utf-8", "replace").strip()[:SAID])
            fresh.replace(binary)  # whole or not at all, also beside another process that compiles the same
        return Compiled(source, binary, cached=False)


def _cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "bankable" / "kernels"


@lru_cache(maxsize=8)
def _version(command: str) -> str:
    done = subprocess.run([command, "--version"], capture_output=True, check=False, env=inherited())
    return done.stdout.decode("utf-8", "replace").splitlines()[0] if done.stdout else command


@lru_cache(maxsize=1)
def _processor() -> str:
    """What ``-march=native`` stands for here: a cache on a shared disk serves several kinds of machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("flags")), platform.machine())
