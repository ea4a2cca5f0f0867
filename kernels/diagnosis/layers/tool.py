"""Programs of the system that a layer needs: where they are, and what version."""

from __future__ import annotations

import functools
import platform
import shutil
import subprocess

from bankable.tools.serving.environment import inherit_environment

LIMIT_S = 30.0


@functools.lru_cache(maxsize=32)
def version_of(command: str) -> str:
    """First line of what a program says of its version; empty where there is none of that name, or it does not run."""
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
    """Whether this is a processor whose disassembly is understood here."""
    return platform.machine() in ("x86_64", "AMD64")
