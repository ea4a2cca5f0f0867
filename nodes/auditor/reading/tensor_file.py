"""Is a file what it says it is, a safetensors file? Told from its header; tensors are not loaded, nothing is unpickled.

Eight bytes with the little-endian length of a JSON header, the header, then the data that its offsets divide up.
Source: the format description of the safetensors library.
"""

from __future__ import annotations

import json
from pathlib import Path

HEADER_BYTES = 1 << 20
"""A header beyond this describes no operator's inputs."""
_LENGTH = 8


def trouble(path: Path) -> str:
    """Say why this is not a safetensors file; empty when it is one."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(_LENGTH), "little")
        if size < _LENGTH or length > min(HEADER_BYTES, size - _LENGTH):
            return "no header of a safetensors file"
        raw = stream.read(length)
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError):
        return "the header is not JSON"
    if not isinstance(header, dict):
        return "the header is no object"
    ends = [_end(entry) for name, entry in header.items() if name != "__metadata__"]
    if not ends or None in ends:
        return "a tensor without its place in the file"
    if max(end for end in ends if end is not None) != size - _LENGTH - length:
        return "the tensors do not fill the file"
    return ""


def _end(entry: object) -> int | None:
    """Where a tensor's data ends; ``None`` for anything that is no tensor."""
    if (
        not isinstance(entry, dict)
        or not isinstance(entry.get("dtype"), str)
        or not isinstance(entry.get("shape"), list)
    ):
        return None
    place = entry.get("data_offsets")
    if not isinstance(place, list) or len(place) != 2 or not all(type(offset) is int for offset in place):
        return None
    return int(place[1]) if 0 <= place[0] <= place[1] else None
