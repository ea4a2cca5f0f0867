"""Threads of a server, from the environment that it was started with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

BIND = "SGLANG_CPU_OMP_THREADS_BIND"
"""The engine's own control where it has its CPU kernels: cores of each rank, which are its threads too."""
OMP = "OMP_NUM_THREADS"
"""The control everywhere else; the engine overrides it where it binds threads itself."""
_RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")
MOST = 1 << 16
"""Cores that a list may name."""


def count_threads(env: Mapping[str, str], *, binds: bool) -> int | None:
    """Threads of the first rank; ``binds``: whether the engine binds threads itself. ``None`` where nothing says."""
    if binds:
        return len(parse_cores(env.get(BIND, "").split("|")[0])) or None
    text = env.get(OMP, "")
    return int(text) if re.fullmatch(r"[1-9]\d{0,5}", text) else None


def parse_cores(text: str) -> frozenset[int]:
    """``0-2,5`` → {0, 1, 2, 5}; empty for what is no such list."""
    cores: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            return frozenset()
        first, last = int(match[1]), int(match[2] or match[1])
        if last - first >= MOST:
            return frozenset()
        cores.update(range(first, last + 1))
    return frozenset(cores)


def format_cores(cores: Sequence[int]) -> str:
    """The opposite: ``[0, 1, 2, 5]`` → ``0-2,5``."""
    ranges: list[list[int]] = []
    for core in sorted(set(cores)):
        if ranges and core == ranges[-1][1] + 1:
            ranges[-1][1] = core
        else:
            ranges.append([core, core])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
