"""Copies the given files into a folder of our own, within limits, so that they cannot change during the audit.

Only regular files are copied: a link out of the folder, a pipe or a device is refused.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bankable.tools.errors import UserError
from bankable.tools.evidence.hashing import Hashing
from bankable.tools.evidence.layout import LEG_FILES, MAX_FILE_BYTES

MAX_ENTRIES = 2_000
"""Largest number of entries of one folder."""
MAX_LAUNCHES = 200
SUFFIXES = (".json", ".jsonl", ".csv")
SIDECARS = (*(name for name in LEG_FILES if name != "bench_runs.jsonl"), "bench_summary.json", "benchmark_data.db")
"""Files that may lie beside a result and belong to the same launch."""
_CHUNK = 1 << 20
_ODD = re.compile(r"[^A-Za-z0-9._=+-]")


@dataclass(frozen=True)
class Intake:
    """The sealed folder while it is being filled."""

    root: Path
    origins: dict[str, str] = field(default_factory=dict)
    """Path as the caller gave it, by sealed path."""
    ignored: dict[str, str] = field(default_factory=dict)
    """Why a file of a folder was left out, by its path as given."""
    digests: dict[str, str] = field(default_factory=dict)
    """sha256 of each copied file, by sealed path: hashed while it is copied, and then never again."""

    def file(self, source: Path, target: str) -> str:
        """Copy one file to ``target`` (relative). Raises ``UserError`` when it cannot be taken."""
        place = self.root / target
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            facts = source.stat()
            if not stat.S_ISREG(facts.st_mode):
                raise UserError("Cannot import: not a regular file", str(source), "save the result to a file first")
            if facts.st_size > MAX_FILE_BYTES:
                raise UserError(
                    "Cannot import: the file is larger than an audit reads",
                    str(source),
                    "give one benchmark file per leg",
                )
            left = MAX_FILE_BYTES
            with source.open("rb") as reader, place.open("xb") as writer, Hashing() as state:
                while left > 0 and (piece := reader.read(min(_CHUNK, left))):
                    state.update(piece)
                    writer.write(piece)
                    left -= len(piece)
                self.digests[target] = state.hexdigest()
        except OSError as problem:
            raise UserError(
                "Cannot read the file or folder", str(source), problem.strerror or "check the path"
            ) from problem
        self.origins[target] = str(source)
        return target

    def drop(self, target: str, why: str) -> None:
        """Take a copied file out again, and remember why."""
        (self.root / target).unlink()
        self.digests.pop(target, None)
        self.ignored[self.origins.pop(target)] = why

    def rename(self, target: str, new: str) -> None:
        """Give a copied file another name."""
        (self.root / target).rename(self.root / new)
        self.origins[new] = self.origins.pop(target)
        self.digests[new] = self.digests.pop(target)


def entries(folder: Path) -> list[Path]:
    """Direct content of a folder, sorted by name; links out of it are refused."""
    try:
        root = folder.resolve(strict=True)
        paths = sorted(folder.iterdir(), key=lambda path: path.name)
        if len(paths) > MAX_ENTRIES:
            raise UserError(
                f"Cannot import: more than {MAX_ENTRIES} files in one folder", str(folder), "give the folder of one leg"
            )
        for path in paths:
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise UserError(
                    "Cannot import: evidence links out of its folder", str(path), "replace the link by the file"
                )
    except (OSError, RuntimeError) as problem:
        raise UserError("Cannot read the file or folder", str(folder), "check the path") from problem
    return paths


def files(folder: Path) -> Iterator[Path]:
    """Regular files of a folder that may hold results."""
    for path in entries(folder):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            yield path


def safe(name: str) -> str:
    """A file's name, restricted to characters that a verdict can hold."""
    return _ODD.sub("_", name)[-120:].lstrip(".") or "file"
