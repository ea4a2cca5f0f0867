"""Finds the settings of a load generator in its own configuration, by name and at whatever depth they stand."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

MAX_DEPTH = 8
MAX_SETTINGS = 100
WARM_UP = "warm"
"""Begins the name of a phase whose load is not the measured one."""


def find_settings(value: Any, names: Collection[str]) -> tuple[tuple[str, str], ...]:
    """(path, value as text) of the named settings below an object; those of warm-up phases are left out."""
    return tuple(sorted(_walk(value, "", names, MAX_DEPTH))[:MAX_SETTINGS])


def _walk(value: Any, place: str, names: Collection[str], depth: int) -> Iterator[tuple[str, str]]:
    if not depth:
        return
    if isinstance(value, list):
        for index, entry in enumerate(value[:MAX_SETTINGS]):
            if isinstance(entry, dict) and not _is_warm_up(entry):
                yield from _walk(entry, f"{place}[{index}]", names, depth - 1)
        return
    for name, inside in value.items() if isinstance(value, dict) else ():
        path = f"{place}.{name}" if place else str(name)
        if name in names and inside is not None and not isinstance(inside, dict):
            yield path[:120], str(inside)[:200]
        elif not str(name).lower().startswith(WARM_UP):
            yield from _walk(inside, path, names, depth - 1)


def _is_warm_up(phase: dict[str, Any]) -> bool:
    return any(str(phase.get(name, "")).lower().startswith(WARM_UP) for name in ("name", "phase", "type"))
