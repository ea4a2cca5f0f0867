"""Reads untrusted files within limits, and makes their texts printable."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

MAX_JSON_BYTES = 32 * 2**20
MAX_LINE_BYTES = 64 * 2**20
MAX_LINES = 200_000
MAX_TEXT = 600
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode categories that do not show or that reorder what does: control, format (bidi overrides), unassigned."""


def clean(value: object, limit: int = MAX_TEXT) -> str:
    """Any value as one line of visible text of at most ``limit`` characters."""
    text = value if isinstance(value, str) else "" if value is None else _plain(value)
    text = " ".join(text[: 4 * limit].split())
    text = "".join("�" if unicodedata.category(c) in HIDDEN else c for c in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) if not isinstance(item, str) else item for item in value[:50])
    if isinstance(value, dict):
        return ", ".join(f"{key}={_plain(item)}" for key, item in list(value.items())[:50])
    return str(value)[: 4 * MAX_TEXT]


def number(value: object) -> float | None:
    """A finite number, or ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def whole(value: object) -> int | None:
    """An integer, or ``None``."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None


def mapping(value: object) -> dict[str, Any]:
    """A JSON object, empty for anything else."""
    return value if isinstance(value, dict) else {}


def sequence(value: object, limit: int = 1000) -> list[Any]:
    """At most ``limit`` items of a JSON list, empty for anything else."""
    return value[:limit] if isinstance(value, list) else []


def interval(value: object) -> tuple[float, float] | None:
    """``[low, high]`` or ``{"lower": …, "upper": …}``."""
    if isinstance(value, dict):
        value = [value.get("lower"), value.get("upper")]
    ends = [number(end) for end in sequence(value)]
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        return None
    return ends[0], ends[1]


class ReportReader:
    """Reads below one folder and remembers, in plain words, what it could not read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.gaps: list[str] = []

    def json(self, path: Path, *, needed: bool = True) -> dict[str, Any]:
        """A JSON object; empty, with a gap noted, when it is missing or not readable."""
        name = self._name(path)
        try:
            if path.stat().st_size > MAX_JSON_BYTES:
                self.gaps.append(f"{name} is too large to be shown.")
                return {}
            value = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            if needed:
                self.gaps.append(f"{name} is missing.")
            return {}
        except (OSError, ValueError):
            self.gaps.append(f"{name} cannot be read.")
            return {}
        if not isinstance(value, dict):
            self.gaps.append(f"{name} does not hold an object.")
        return mapping(value)

    def lines(self, path: Path, *, needed: bool = True) -> Iterator[dict[str, Any]]:
        """The objects of a JSONL file; torn and malformed lines are left out, with a gap noted."""
        name, bad = self._name(path), 0
        try:
            with path.open("rb") as source:
                for count in range(MAX_LINES + 1):
                    line = source.readline(MAX_LINE_BYTES)
                    if not line:
                        break
                    if count == MAX_LINES:
                        self.gaps.append(f"{name} has more than {MAX_LINES} lines; the rest is not shown.")
                        break
                    try:
                        value = orjson.loads(line)
                    except ValueError:
                        bad += bool(line.strip())
                        continue
                    if isinstance(value, dict):
                        yield value
                    else:
                        bad += 1
        except FileNotFoundError:
            if needed:
                self.gaps.append(f"{name} is missing.")
        except OSError:
            self.gaps.append(f"{name} cannot be read.")
        if bad:
            self.gaps.append(f"{name}: {bad} line(s) cannot be read and were left out.")

    def folders(self, path: Path, limit: int) -> list[Path]:
        """Sub-folders in order of their names; links are not followed."""
        try:
            entries = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.is_symlink())
        except OSError:
            return []
        if len(entries) > limit:
            self.gaps.append(f"{self._name(path)} holds {len(entries)} folders; the first {limit} are shown.")
        return entries[:limit]

    def _name(self, path: Path) -> str:
        try:
            return clean(str(path.relative_to(self.root)), 200)
        except ValueError:
            return clean(path.name, 200)
