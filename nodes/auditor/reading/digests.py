"""What a verdict was derived from, by content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bankable.nodes.auditor.verdict import EvidenceDigest
from bankable.tools.evidence.canonical import file_digest
from bankable.tools.evidence.regular import regular_files


def digests(folder: Path, known: Mapping[str, str] | None = None) -> tuple[EvidenceDigest, ...]:
    """sha256 of every regular file of a folder, by path; ``known`` has those that were read already."""
    known = known or {}
    return tuple(
        EvidenceDigest(file=name, sha256=known.get(name) or file_digest(path)) for name, path in regular_files(folder)
    )
