"""What makes a value of evidence unusable: text that is not JSON, fields to leave out, numbers out of range."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import BaseModel

LARGEST_NUMBER = 1e18
"""Bound of every float: measured times (seconds) and sizes (bytes) stay far below."""
LARGEST_COUNT = 1 << 63
"""Bound of every integer."""
CONTAINERS = (dict, list, tuple)


def describe_non_json(data: bytes) -> str:
    """Say why a text is not JSON, as far as its encoding shows it."""
    if data.startswith(b"\xef\xbb\xbf"):
        return "not JSON: a byte order mark; write UTF-8 without one"
    if b"\0" in data[:256]:
        return "not JSON: NUL bytes, as in UTF-16 or binary files; write UTF-8"
    try:
        data.decode()
    except UnicodeDecodeError:
        return "not JSON: not UTF-8"
    return "not JSON"


def leave_out(entry: dict[str, Any], paths: list[tuple[int | str, ...]]) -> dict[str, Any] | None:
    """A copy of a parsed object without the values at these paths; ``None`` where a path leads nowhere."""
    copy: dict[str, Any] = orjson.loads(orjson.dumps(entry))
    for path in paths:
        place: Any = copy
        try:
            for step in path[:-1]:
                place = place[step]
            del place[path[-1]]
        except (KeyError, IndexError, TypeError):
            return None
    return copy


def find_out_of_range(value: Any) -> list[int | str] | None:
    """Path of a number in a typed record that is not finite or out of range, innermost step first."""
    entries: Any
    if isinstance(value, BaseModel):
        entries = value.__dict__.items()
    elif isinstance(value, dict):
        entries = value.items()
    else:
        entries = enumerate(value)
    for step, entry in entries:
        if not entry:  # most fields of a host sample are zero or absent
            continue
        kind = type(entry)
        if kind is float:
            if not -LARGEST_NUMBER <= entry <= LARGEST_NUMBER:  # false for NaN too
                return [step]
        elif kind is int:
            if not -LARGEST_COUNT < entry < LARGEST_COUNT:
                return [step]
        elif (kind in CONTAINERS or isinstance(entry, BaseModel)) and (path := find_out_of_range(entry)) is not None:
            path.append(step)
            return path
    return None
