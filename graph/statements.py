"""Builds the signed statement of a verdict or bundle from its files: for signing it, and for checking it later."""

from __future__ import annotations

from pathlib import Path

import orjson

from bankable.nodes.auditor.verdict import Verdict
from bankable.tools.attest.refusal import Refused
from bankable.tools.attest.statement import (
    BundlePredicate,
    BundleStatement,
    VerdictPredicate,
    VerdictStatement,
    artifact,
)
from bankable.tools.evidence.canonical import digest
from bankable.tools.evidence.ledger import LedgerEntry, read_ledger

MAX_MANIFEST_BYTES = 64 << 20


def verdict_statement(root: Path, audit: str) -> VerdictStatement:
    """Statement on the evidence of ``audits/<audit>``; ``root`` is a run folder or a bundle's ``evidence``.

    Raises ``Refused`` when verdict or ledger cannot carry a statement.
    """
    name = f"audits/{audit}/verdict.json"
    stored = (root / name).read_bytes()
    sha256 = digest(stored)
    head = _entry(read_ledger(root), name, sha256).link
    try:
        verdict = Verdict.model_validate_json(stored)
        return VerdictStatement(
            subject=tuple(artifact(entry.file, entry.sha256) for entry in verdict.evidence),
            predicate=VerdictPredicate(
                run_id=verdict.request.run_id,
                scope=verdict.scope,
                subject=verdict.subject,
                attempt=verdict.attempt,
                verdict=verdict.verdict.value,
                action=verdict.action.value,
                verdict_sha256=sha256,
                ruleset=verdict.ruleset,
                ledger_head=head,
            ),
        )
    except ValueError:
        raise Refused(f"{name} cannot be read") from None


def bundle_statement(bundle: Path) -> BundleStatement:
    """Statement on the manifest of a bundle. Raises ``Refused`` when there is no readable manifest."""
    path = bundle / "manifest.json"
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise Refused("manifest.json is too large")
    stored = path.read_bytes()
    try:
        predicate = BundlePredicate(run_id=orjson.loads(stored)["run_id"])
    except (ValueError, KeyError, TypeError):
        raise Refused("manifest.json cannot be read") from None
    return BundleStatement(subject=(artifact("manifest.json", digest(stored)),), predicate=predicate)


def _entry(entries: list[LedgerEntry], name: str, sha256: str) -> LedgerEntry:
    for entry in entries:
        if entry.path == name and entry.sha256 == sha256:
            return entry
    raise Refused(f"ledger.jsonl has no entry for {name} as it is")
