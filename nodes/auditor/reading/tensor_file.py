"""Checks from its header whether a file is a safetensors file; tensors are not loaded and nothing is unpickled.

The format: eight bytes with the little-endian length of a JSON header, the header, the data that its offsets divide.
Source: the format description of the safetensors library.
"""

from __future__ import annotations

import json
from pathlib import Path

HEADER_BYTES = 1 << 20
"""Largest header accepted, bytes."""
_LENGTH = 8


def find_format_error(path: Path) -> str:
    """Say why a file is not a safetensors file; empty when it is one."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(_LENGTH), "little")
        if size < _LENGTH or length > min(HEADER_BYTES, size - _LENGTH):
            return "it has no safetensors header"
        raw = stream.read(length)
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError):
        return "the header is not JSON"
    if not isinstance(header, dict):
        return "the header is not a JSON object"
    ends = [_end(entry) for name, entry in header.items() if name != "__metadata__"]
    if not ends or None in ends:
        return "a tensor has no valid dtype, shape or offsets"
    if max(end for end in ends if end is not None) != size - _LENGTH - length:
        return "the tensors do not add up to the file's size"
    return ""


def _end(entry: object) -> int | None:
    """Offset of the end of a tensor's data; ``None`` when the entry does not describe a tensor."""
    if (
        not isinstance(entry, dict)
        or not isinstance(entry.get("dtype"), str)
        or not isinstance(entry.get("shape"), list)
    ):
        return None
    offsets = entry.get("data_offsets")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(offset) is int for offset in offsets):
        return None
    return int(offsets[1]) if 0 <= offsets[0] <= offsets[1] else None
