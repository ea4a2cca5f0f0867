"""Signs the auditor's verdicts. Producers never receive the key: it is not part of their ``RunContext``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bankable.graph.statements import bundle_statement, verdict_statement
from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.store import write_once

if TYPE_CHECKING:
    from bankable.tools.attest.signing_key import SigningKey

ATTESTATION = "attestation.json"
KEYS = "keys"
"""Folder of the public keys, one ``<key id>.pem`` each."""


def sign_verdict(folder: RunFolder, audit: str, key: SigningKey) -> None:
    """Write ``audits/<audit>/attestation.json``, and the public key into ``keys/``.

    The verdict must be in the ledger. An existing attestation of a resumed run stays, whatever key signed it.
    """
    target = folder.root / "audits" / audit / ATTESTATION
    if not target.is_file():
        _write(target, verdict_statement(folder.root, audit).to_bytes(), folder.root / KEYS, key)
    folder.ledger.enter_tree(folder.root / KEYS)
    folder.ledger.enter(target)


def sign_bundle(folder: RunFolder, key: SigningKey) -> None:
    """Write ``bundle/attestation.json`` over the manifest, and the public key into ``bundle/keys/``.

    Only where every verdict in the bundle is signed: a bundle from an older version, or one without verdicts, stays
    unsigned.
    """
    bundle = folder.root / "bundle"
    target, verdicts = bundle / ATTESTATION, list((bundle / "evidence" / "audits").glob("*/verdict.json"))
    signed = bool(verdicts) and all((path.parent / ATTESTATION).is_file() for path in verdicts)
    if not signed or not (bundle / "manifest.json").is_file():
        return
    if not target.is_file():
        _write(target, bundle_statement(bundle).to_bytes(), bundle / KEYS, key)
    folder.ledger.enter_tree(bundle / KEYS)
    folder.ledger.enter(target)


def _write(target: Path, statement: bytes, keys: Path, key: SigningKey) -> None:
    from bankable.tools.attest.envelope import sign

    write_once(keys / f"{key.public.keyid}.pem", key.public.pem)
    write_once(target, sign(statement, key))
