"""Compiles kernels into a folder that is addressed by content: the same source is compiled once per machine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from bankable.kernels.build.render import KernelSource
from bankable.tools.errors import UserError
from bankable.tools.overlay.build import BuildError, build, cache_folder
from bankable.tools.serving.environment import inherit_environment

SAID = 2000
"""Number of characters of the compiler's output that are kept."""


@dataclass(frozen=True)
class Compiled:
    """A shared object that can be loaded, beside its source."""

    source: KernelSource
    binary: Path
    cached: bool


@dataclass(frozen=True)
class CompileError:
    """The kernel does not compile; holds the compiler's output."""

    source: KernelSource
    reason: str


class Compiler:
    """The system's C++ compiler with a cache folder; an overlay in a server compiles into the same one."""

    def __init__(self, cache: Path | None = None, command: str = "g++") -> None:
        self.cache = cache or cache_folder()
        self.command = command
        if shutil.which(command) is None:
            raise UserError(
                f"Cannot compile kernels: no C++ compiler {command}", "", "install one (Debian: build-essential)"
            )

    def compile(self, source: KernelSource) -> Compiled | CompileError:
        """The shared object of a source, from the cache where it is there."""
        try:
            binary, cached = build(source.text.encode(), source.flags, self.command, self.cache, inherit_environment())
        except BuildError as problem:
            return CompileError(source, str(problem)[:SAID])
        return Compiled(source, binary, cached)
