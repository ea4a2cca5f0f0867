"""Opens untrusted files safely: regular files only, through no link, without ever blocking."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

BUFFER = 1 << 20
_SAFELY = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe without a writer would block for ever
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class IrregularFileError(OSError):
    """A link, a folder, a pipe, a device or a socket where a file should be."""


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file. Raises ``IrregularFileError`` for anything else, ``OSError`` when it cannot be opened."""
    if path.is_symlink():
        raise IrregularFileError("a symbolic link")
    descriptor = os.open(path, _SAFELY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IrregularFileError("not a regular file")
    return os.fdopen(descriptor, "rb", buffering=BUFFER)


def stamp(stream: BinaryIO) -> tuple[int, int]:
    """Size and modification time of an open file: two different readings mean that another process writes to it."""
    facts = os.fstat(stream.fileno())
    return facts.st_size, facts.st_mtime_ns


def regular_files(folder: Path) -> list[tuple[str, Path]]:
    """(path relative to ``folder``, path) of every regular file below it, in order; links are not followed.

    Bytes of a name that are not UTF-8 are shown as ``\\xff``, so that every path can stand in a record.
    """
    files = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in names:
            path = Path(place) / name
            if not path.is_symlink() and path.is_file():
                files.append((printable_name(path.relative_to(folder).as_posix()), path))
    return sorted(files)


def printable_name(name: str) -> str:
    """A file name as text that has a UTF-8 form."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
