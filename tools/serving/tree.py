"""Digest of an installed package's files: shows that the engine was not edited in place (failure mode C12)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

Stamp = tuple[int, int, int, int]
"""Size, mtime and ctime in nanoseconds, inode: a file with the same stamp has the same content."""


BYTECODE = (".pyc", ".pyo")


class TreeDigest:
    """sha256 over relative path and content of the files below a folder: every ``*.py``, or all but bytecode.

    The first call reads everything (about a second for sglang); later ones re-read only files whose stamp changed, so
    that every launch can afford its own digest. ctime cannot be set back by a program, so an edit is always seen.
    """

    def __init__(self, root: Path, *, compiled: bool = False) -> None:
        """``compiled``: files that are no Python sources count too, such as a package's shared libraries."""
        self.root, self._compiled = root, compiled
        self._known: dict[str, tuple[Stamp, str]] = {}

    def compute(self) -> str:
        """The digest now, 64 hexadecimal digits."""
        total = hashlib.sha256()
        for path in sorted(self._sources()):
            relative = os.path.relpath(path, self.root)
            total.update(f"{relative}\0{self._content(path, relative)}\n".encode("utf-8", "surrogateescape"))
        return total.hexdigest()

    def _sources(self) -> list[str]:
        return [
            os.path.join(folder, name)
            for folder, _, names in os.walk(self.root)
            for name in names
            if name.endswith(".py") or (self._compiled and not name.endswith(BYTECODE))
        ]

    def _content(self, path: str, relative: str) -> str:
        try:
            status = os.stat(path)
        except OSError:
            return "unreadable"
        stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        cached = self._known.get(relative)
        if cached is not None and cached[0] == stamp:
            return cached[1]
        with Path(path).open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
        self._known[relative] = (stamp, digest)
        return digest
