"""Restricts the auditor's process to reading the evidence, the auditor's code, its interpreter and system folders.

Files that it cannot read (answer keys, other runs, a producer's notes) cannot influence a verdict. Uses Landlock (Linux
5.13), which a process applies to itself and neither it nor its children can lift. On kernels without Landlock the
process is isolated by its command line and environment only. Source: https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from bankable.tools.package import FOLDER

OWN = ("nodes", "tools", "kernels/operators")
"""Folders with the auditor's code, and with how a profile shows each operator; the others stay unreadable."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
"""Not all of ``/dev``: what lies in ``/dev/shm`` are files, of other runs perhaps."""
SYSTEM = ("/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", *DEVICES)
"""What the interpreter and its libraries read."""
_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""System call numbers of Landlock."""
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_BENEATH, _NO_NEW_PRIVILEGES = 1, 38


_RULE = "=Qi"
"""``struct landlock_path_beneath_attr``: allowed access and path descriptor, packed without padding."""


def list_readable_paths(folder: Path) -> tuple[Path, ...]:
    """Paths that an audit of ``folder`` has to read."""
    interpreter = (Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent)
    return (folder.resolve(), *(FOLDER / name for name in OWN), *interpreter, *map(Path, SYSTEM))


def restrict_reads(paths: Iterable[Path]) -> bool:
    """Restrict this process and its children to reading beneath ``paths``. Returns False where that is not possible."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    handled = struct.pack("=Q", _READ_FILE | _READ_DIR)
    rules = libc.syscall(_CREATE, handled, ctypes.c_size_t(len(handled)), 0)
    if rules < 0:
        return False
    try:
        for path in paths:
            if path.exists():
                _allow(libc, rules, path)
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            return False
        return bool(libc.syscall(_RESTRICT, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: Path) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack(_RULE, _READ_FILE | (_READ_DIR if path.is_dir() else 0), parent)
        libc.syscall(_ADD, rules, _BENEATH, rule, 0)
    finally:
        os.close(parent)
