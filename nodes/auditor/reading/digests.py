"""sha256 digests of the evidence files that a verdict was derived from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bankable.nodes.auditor.verdict import EvidenceDigest
from bankable.tools.evidence.canonical import file_digest
from bankable.tools.evidence.regular import regular_files


def hash_files(folder: Path, computed: Mapping[str, str] | None = None) -> tuple[EvidenceDigest, ...]:
    """The digest of every regular file under ``folder``; ``computed`` has those of files that were read already."""
    computed = computed or {}
    return tuple(
        EvidenceDigest(file=name, sha256=computed.get(name) or file_digest(path))
        for name, path in regular_files(folder)
    )
