"""Durable writes: a file is written once and atomically, a log only grows, and a crash loses no measurement."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from bankable.tools.errors import UserError

Model = TypeVar("Model", bound=BaseModel)


class EvidenceConflict(Exception):
    """Another file already exists where this evidence belongs. Evidence is never overwritten."""


def sha256_file(path: Path) -> str:
    """sha256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


class FileDigests:
    """sha256 of files, each read once: for one check of a folder that nobody writes to meanwhile."""

    def __init__(self) -> None:
        self._known: dict[Path, str] = {}

    def __call__(self, path: Path) -> str:
        """The digest of a file's bytes. Raises ``OSError`` where it cannot be read."""
        place = path.resolve()
        if place not in self._known:
            self._known[place] = sha256_file(place)
        return self._known[place]


def json_bytes(value: object) -> bytes:
    """Indented JSON with sorted keys and a final newline: what a person reads and what a digest is taken of."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def write_once(path: Path, content: bytes) -> None:
    """Create ``path`` with ``content``, durably and all at once.

    Writing the same bytes again is fine (a resumed run does); other bytes raise ``EvidenceConflict``.
    A full disk raises ``UserError`` and leaves no half-written file behind.
    """
    if path.exists():
        if path.read_bytes() != content:
            raise EvidenceConflict(f"{path} already holds other evidence")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as target:
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
        partial.rename(path)
        _sync_folder(path.parent)
    except OSError as problem:
        partial.unlink(missing_ok=True)
        raise _explain(problem, path) from problem


class AppendLog:
    """A JSON-lines file that only grows; every line is on disk before ``append`` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        set_torn_line_aside(path)

    def append(self, value: object) -> None:
        """Add one line. A full disk raises ``UserError``; what was written before stays readable."""
        append_bytes(self.path, orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))


def append_bytes(path: Path, data: bytes) -> None:
    """Add whole lines to a file that only grows; they are on disk before this returns.

    A full disk raises ``UserError``, and leaves the file as it was.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)
        except OSError as problem:
            os.ftruncate(descriptor, size)
            raise _explain(problem, path) from problem
    finally:
        os.close(descriptor)


def whole_lines(path: Path, kind: type[Model]) -> list[Model]:
    """Records of a log of ours; an unreadable line is left out. None for a missing file."""
    records = []
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            records.append(kind.model_validate_json(line))
        except ValidationError:
            continue
    return records


def set_torn_line_aside(path: Path) -> Path | None:
    """Move an unfinished last line of a log into a file of its own; returns that file, or ``None`` if all lines end.

    A crash can leave half a line. It proves nothing, but it is not thrown away either.
    """
    if not path.exists():
        return None
    content = path.read_bytes()
    if not content or content.endswith(b"\n"):
        return None
    keep = content.rfind(b"\n") + 1
    aside = free_name(path.with_name(f"{path.name}.torn"))
    aside.write_bytes(content[keep:])
    with path.open("r+b") as log:
        log.truncate(keep)
        os.fsync(log.fileno())
    return aside


def free_name(path: Path) -> Path:
    """``path`` with the first number that is not taken: ``x-1``, ``x-2``, …"""
    number = 1
    while (candidate := path.with_name(f"{path.name}-{number}")).exists():
        number += 1
    return candidate


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explain(problem: OSError, path: Path) -> Exception:
    if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UserError("Cannot write evidence: no space left", str(path), "free some space, then `resume` this run")
    if problem.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return UserError(
            "Cannot write evidence: no permission to write to this folder",
            str(path.parent),
            "choose another with --out",
        )
    return problem
