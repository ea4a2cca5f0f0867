"""Finds external programs that a layer needs, and their versions."""

from __future__ import annotations

import functools
import platform
import shutil
import subprocess

from bankable.tools.serving.environment import inherit_environment

LIMIT_S = 30.0


@functools.lru_cache(maxsize=32)
def version_of(command: str) -> str:
    """First line of a program's version output; empty where it is not installed or does not run."""
    if shutil.which(command) is None:
        return ""
    try:
        done = subprocess.run(
            [command, "--version"],
            env=inherit_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return lines[0][:120] if lines else command


def x86() -> bool:
    """Whether the disassembly of this processor is supported."""
    return platform.machine() in ("x86_64", "AMD64")
