"""Canonical JSON: one byte form for each value, so that digests and replays can be compared."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import orjson

SIGNIFICANT_DIGITS = 9
"""Floats are rounded to this many significant digits: far below any effect, far above platform noise."""
_CHUNK = 1 << 20


def round_figure(value: float) -> float:
    """``value`` to nine significant digits; negative zero becomes zero. Raises ``ValueError`` on NaN and infinity."""
    if not math.isfinite(value):
        raise ValueError(f"{value!r} has no canonical form")
    return float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}") + 0.0


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no spaces and rounded floats. Raises ``ValueError`` on NaN and infinity."""
    return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS)


def digest(data: bytes) -> str:
    """sha256 of bytes, lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file's content, read in pieces."""
    state = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            state.update(piece)
    return state.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return round_figure(value)
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    raise ValueError(f"{type(value).__name__} has no canonical form")
