"""Restricts a job that loads a kernel with Linux's Landlock: the paths that it may read, and those it may write.

The restriction is set before the kernel is loaded and cannot be lifted. Out of reach are the files that measure, the
oracle's expected outputs, other processes (no signals, no tracing) and TCP. The limits of a job keep accidents in; this
keeps in whoever means it, as far as files and processes go. It does not protect the process from itself."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

CREATE, ADD, RESTRICT = 444, 445, 446
"""System calls, the same numbers on every architecture."""
PATH_BENEATH, VERSION, NO_NEW_PRIVS = 1, 1, 38
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
FILE_ONLY = EXECUTE | WRITE_FILE | READ_FILE | 1 << 14
READ = EXECUTE | READ_FILE | READ_DIR
LAST_RIGHT = {1: 12, 2: 13, 3: 14, 4: 14}
"""Highest right that a version knows; 15 from the fifth on."""
TCP, SCOPES = 0b11, 0b11
"""Binding and connecting; abstract sockets and signals."""
DEVICES = ("null", "zero", "full", "random", "urandom", "kfd", "dri", "nvidia*")
"""Of ``/dev``; what lies in ``/dev/shm`` are files, and may be the oracle's."""
SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/proc", "/sys")
FOLDER = Path(__file__).resolve().parents[2]


def supported() -> str:
    """``on``, or why this machine has no Landlock."""
    version = _library().syscall(CREATE, None, 0, VERSION)
    return "on" if version > 0 else f"off: {os.strerror(ctypes.get_errno())}"


def restrict(writable: Path, readable: Iterable[Path]) -> bool:
    """Restrict this process for the rest of its life; false where the system has no Landlock.

    Raises ``OSError`` where a call fails: then no kernel is loaded.
    """
    library = _library()
    version = library.syscall(CREATE, None, 0, VERSION)
    if version <= 0:
        return False
    every = (1 << (LAST_RIGHT.get(version, 15) + 1)) - 1
    attributes = struct.pack("=QQQ", every, TCP, SCOPES)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = _checked(library.syscall(CREATE, attributes, ctypes.c_size_t(len(attributes)), 0))
    for path, wanted in [(writable, every), *((entry, READ) for entry in (*readable, *_framework()))]:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        rule = struct.pack("=Qi", wanted & every & (every if path.is_dir() else FILE_ONLY), place)
        _checked(library.syscall(ADD, rules, PATH_BENEATH, rule, 0))
        os.close(place)
    _checked(library.prctl(NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(library.syscall(RESTRICT, rules, 0))
    os.close(rules)
    return True


def _framework() -> Iterator[Path]:
    """The system's libraries, the interpreter, what it imports, and our own package; not the repository around it."""
    yield from map(Path, SYSTEM)
    yield from (device for name in DEVICES for device in Path("/dev").glob(name))
    yield from (Path(sys.prefix), Path(sys.base_prefix), FOLDER / "kernels")
    yield from (Path(entry) for entry in sys.path if entry and Path(entry).resolve() != FOLDER)


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(answer: int) -> int:
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer
