"""Packs finished runs into one archive that replays: measurements and verdicts, without derived or local files."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from pathlib import Path

from bankable.tools.errors import UserError
from bankable.tools.evidence.folder import read_run

LEFT_OUT = (
    "bundle",
    "capture",
    "checkpoints.sqlite",
    "checkpoints.sqlite-shm",
    "checkpoints.sqlite-wal",
    ".lock",
    "report.html",
)
"""Left out at the top of a run folder: copies, the graph's checkpoints, calls that became tasks, the HTML report."""

LOCAL = frozenset({"server.pid", "__pycache__"})


def pack(runs: Sequence[Path], out: Path) -> int:
    """Write ``out`` (.tar.xz) with a folder per run; its size in bytes.

    Owners, modes and times of the files are left out, so that the same runs give the same archive. Raises ``UserError``
    on folders that are no runs, on two of one name, and when ``out`` exists.
    """
    if out.exists():
        raise UserError(
            "Cannot pack the runs: the archive exists",
            str(out),
            "choose another name: recordings are never overwritten",
        )
    names = [run.resolve().name for run in runs]
    if len(set(names)) != len(names):
        raise UserError("Cannot pack the runs: two folders have the same name", ", ".join(names), "rename one")
    for run in runs:
        read_run(run)
    with tarfile.open(out, "x:xz", preset=9) as archive:
        for run in sorted(runs, key=lambda run: run.resolve().name):
            for path in sorted(run.rglob("*")):
                inner = path.relative_to(run)
                if path.is_file() and inner.parts[0] not in LEFT_OUT and not LOCAL & set(inner.parts):
                    archive.add(path, f"{run.resolve().name}/{inner.as_posix()}", recursive=False, filter=_plain)
    return out.stat().st_size


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if not entry.isreg():
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime, entry.mode = 0, 0o644
    return entry
