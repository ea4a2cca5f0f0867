"""The auditor's process reads the evidence, this package and its interpreter, and no other file of the machine.

What is not on any path that it can read cannot sway it: answer keys, other runs, somebody's notes. By Landlock, which
a process lays upon itself and neither it nor its children can take off again (Linux 5.13). Where the kernel has none,
the process is as isolated as its command makes it, and no more.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from bankable.tools.package import FOLDER

OWN = ("nodes", "tools")
"""Packages that judge; those beside them are nobody's business here."""
SYSTEM = ("/usr", "/lib", "/lib64", "/etc", "/dev", "/proc", "/sys")
"""Where an interpreter and its libraries look things up."""
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_BENEATH, _NO_NEW_PRIVILEGES = 1, 38


_RULE = "=Qi"
"""Access, and the descriptor of the path: the kernel's structure has no padding."""


def readable(folder: Path) -> tuple[Path, ...]:
    """What an audit of ``folder`` has to read."""
    interpreter = (Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent)
    return (folder.resolve(), *(FOLDER / name for name in OWN), *interpreter, *map(Path, SYSTEM))


def enclose(paths: Iterable[Path]) -> bool:
    """From now on this process and its children read beneath these paths only. False where that cannot be had."""
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
