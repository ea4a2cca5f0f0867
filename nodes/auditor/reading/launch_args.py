"""Parses a server's command line into argument names and values."""

from __future__ import annotations

from collections.abc import Sequence


def parse(argv: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Values by server-argument name, and the names that were given more than once (the last value wins)."""
    flags: dict[str, str] = {}
    repeated: list[str] = []
    name = ""
    for part in argv:
        if part.startswith("--"):
            name, _, value = part[2:].partition("=")
            name = name.replace("-", "_")
            if name in flags:
                repeated.append(name)
            flags[name] = value
        elif name:
            flags[name] = f"{flags[name]} {part}".strip()
    return flags, repeated
