"""Checks that attestations of a run or bundle are signed by a known key and state what the files beside them hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from bankable.graph.key_source import library_missing
from bankable.graph.signing import ATTESTATION, KEYS
from bankable.graph.statements import bundle_statement, verdict_statement
from bankable.tools.attest.refusal import Refused
from bankable.tools.attest.statement import Statement
from bankable.tools.evidence.difference import first_difference, shorten
from bankable.tools.evidence.ledger import read_ledger

if TYPE_CHECKING:
    from bankable.tools.attest.public_key import PublicKey

MAX_KEYS = 64
MAX_BYTES = 16 << 20


@dataclass
class Signatures:
    """Result of checking the signatures of one folder."""

    trusted: PublicKey | None
    """The key that must have signed; without one, any key that lies in the folder is accepted."""
    problems: list[str] = field(default_factory=list)
    signed: dict[str, list[str]] = field(default_factory=dict)
    """Audits, and ``bundle``, signed by each key, by its fingerprint."""
    unsigned: list[str] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)
    """Fingerprints of further signatures that no known key can check."""
    beside: set[str] = field(default_factory=set)
    """Files that may lie in a bundle besides those of its manifest: the attestation and the keys that it names."""

    def check_verdicts(self, root: Path, prefix: str = "") -> None:
        """Check every ``audits/*/attestation.json`` below ``root``; ``prefix`` is prepended to file names."""
        names = sorted(path.parent.name for path in (root / "audits").glob("*/verdict.json"))
        signed = [name for name in names if (root / "audits" / name / ATTESTATION).is_file()]
        entered = {entry.path for entry in read_ledger(root)}
        for name in names:
            if name not in signed:
                self.unsigned.append(name)
                if f"audits/{name}/{ATTESTATION}" in entered:
                    self.problems.append(f"{prefix}audits/{name}/{ATTESTATION}: missing, although the ledger lists it")
        keys = self._keys(root, prefix) if signed else []
        for name in signed:
            file = f"audits/{name}/{ATTESTATION}"
            self._check(root, file, prefix, name, keys, partial(verdict_statement, root, name))

    def check_bundle(self, bundle: Path, prefix: str = "") -> None:
        """Check the attestation over the manifest."""
        if not (bundle / ATTESTATION).is_file():
            self.unsigned.append("bundle")
            return
        keys = self._keys(bundle, prefix)
        self._check(bundle, ATTESTATION, prefix, "bundle", keys, partial(bundle_statement, bundle))
        self.beside |= {ATTESTATION, *_key_files(bundle / ATTESTATION)}

    def take_problems(self) -> list[str]:
        """Return the problems so far and clear them."""
        taken, self.problems = self.problems, []
        return taken

    def _check(
        self, root: Path, file: str, prefix: str, name: str, keys: list[PublicKey], expected: Callable[[], Statement]
    ) -> None:
        from bankable.tools.attest.envelope import open_envelope

        try:
            opened = open_envelope(_bytes(root / file), keys)
            _compare(opened.payload, expected())
        except (Refused, OSError) as why:
            self.problems.append(f"{prefix}{file}: {_reason(why)}")
            return
        self.strangers |= {f"sha256:{keyid}" for keyid in opened.strangers}
        for keyid in opened.signers:
            self.signed.setdefault(f"sha256:{keyid}", []).append(name)

    def _keys(self, root: Path, prefix: str) -> list[PublicKey]:
        """The keys to check with.

        A key in the folder whose content does not match its name is a problem, and is left out.
        """
        try:
            from bankable.tools.attest.public_key import read_public_key
        except ImportError as missing:
            raise library_missing(missing) from None
        keys = []
        for path in sorted((root / KEYS).glob("*.pem"))[:MAX_KEYS]:
            try:
                data = _bytes(path)
                key = read_public_key(data)
                if key.keyid != path.stem or key.pem != data:
                    raise Refused("not the key that its name says")
                keys.append(key)
            except (Refused, OSError) as why:
                self.problems.append(f"{prefix}{KEYS}/{path.name}: {_reason(why)}")
        return keys if self.trusted is None else [self.trusted]


def _key_files(attestation: Path) -> list[str]:
    from bankable.tools.attest.envelope import signers_named

    try:
        return [f"{KEYS}/{keyid}.pem" for keyid in signers_named(_bytes(attestation))]
    except (Refused, OSError):
        return []


def _reason(why: Refused | OSError) -> str:
    return str(why) if isinstance(why, Refused) else f"cannot be read: {why.strerror}"


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise Refused("not a file")
    if path.stat().st_size > MAX_BYTES:
        raise Refused(f"larger than {MAX_BYTES >> 20} MiB")
    return path.read_bytes()


def _compare(payload: bytes, expected: Statement) -> None:
    """Raise ``Refused`` at the first difference between the signed statement and the present files."""
    wanted = expected.to_bytes()
    if payload == wanted:
        return
    now = orjson.loads(wanted)
    try:
        signed = orjson.loads(payload)
    except ValueError:
        signed = None
    if not isinstance(signed, dict):
        raise Refused("the signed payload is not a statement")
    for name in ("_type", "predicateType"):
        if signed.get(name) != now[name]:
            raise Refused(f"the signed payload is another kind of statement: {name} {shorten(signed.get(name))}")
    changed = _find_change(_digests(signed.get("subject")), _digests(now["subject"]))
    where = changed or first_difference(signed, now, ("signed", "now"))
    raise Refused(where or "the signed payload is not in the form that signing writes")


def _digests(subject: Any) -> dict[str, str]:
    """File names and digests of a statement's subject; one of another form is left to the full comparison."""
    try:
        digests = {entry["name"]: entry["digest"]["sha256"] for entry in subject}
    except (TypeError, KeyError, IndexError):
        return {}
    return digests if all(isinstance(text, str) for text in (*digests, *digests.values())) else {}


def _find_change(before: dict[str, str], after: dict[str, str]) -> str | None:
    for name in sorted({*before, *after}) if before else ():
        if name not in before:
            return f"{name} was not there when this was signed"
        if before[name] != after.get(name):
            return f"{name} " + ("is no longer there" if name not in after else "is not what was signed")
    return None
