"""One digest over all files of a folder."""

from __future__ import annotations

from pathlib import Path

from bankable.tools.evidence.canonical import canonical, digest, file_digest


def fingerprint(folder: Path) -> str:
    """Of names and contents."""
    return digest(
        canonical({p.relative_to(folder).as_posix(): file_digest(p) for p in folder.rglob("*") if p.is_file()})
    )
