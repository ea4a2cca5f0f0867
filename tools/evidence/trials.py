"""Cuts the ledger at the time of an audit: the comparisons that the run had declared by then.

The ledger grows while a run continues, and a verdict must be derived again from the same bytes. So the request holds
the number of lines, and a later seal cuts at the same one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from bankable.tools.evidence.ledger import MAX_LINE

MAX_LINES = 200_000
"""Lines of a ledger that are read."""
_FILE = re.compile(r"^comparisons/([A-Za-z0-9][A-Za-z0-9._=+-]{0,150})/(plan|claim)\.json$")


@dataclass(frozen=True)
class LedgerCut:
    """The first lines of ``ledger.jsonl``."""

    lines: tuple[bytes, ...]
    """As they stand, each with its newline."""

    def files(self) -> Iterator[tuple[str, str]]:
        """(comparison, file name) of every plan and claim that was entered, once each, sorted."""
        matches = {match.groups() for match in map(_entry, self.lines) if match}
        yield from sorted((name, f"{kind}.json") for name, kind in matches)

    def has(self, path: str) -> bool:
        """Whether this file was entered."""
        return any(_path(line) == path for line in self.lines)


def cut_ledger(run: Path, most: int | None = None) -> LedgerCut | None:
    """The ledger of a run, at most ``most`` lines; a torn last line is left out. ``None`` when there is none."""
    path = run / "ledger.jsonl"
    return LedgerCut(first_lines(path, most)) if path.is_file() else None


def first_lines(path: Path, most: int | None = None) -> tuple[bytes, ...]:
    """The first lines of a log, each with its newline, at most ``most``; a torn last line is left out."""
    limit = MAX_LINES if most is None else min(most, MAX_LINES)
    lines: list[bytes] = []
    with path.open("rb") as stream:
        while len(lines) < limit and (line := stream.readline(MAX_LINE)).endswith(b"\n"):
            lines.append(line)
    return tuple(lines)


def _entry(line: bytes) -> re.Match[str] | None:
    return _FILE.match(_path(line))


def _path(line: bytes) -> str:
    try:
        path = orjson.loads(line)["path"]
    except (ValueError, KeyError, TypeError):
        return ""
    return path if isinstance(path, str) else ""
