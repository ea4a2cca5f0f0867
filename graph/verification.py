"""``verify``: are all files as they were entered, does every verdict come out again, and who has signed it?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from graph.key_source import library_missing
from graph.signatures import Signatures
from graph.signing import ATTESTATION, KEYS
from graph.statements import MAX_MANIFEST_BYTES
from nodes.auditor.replay import verify
from tools.errors import UserError
from tools.evidence.ledger import check_chain, check_ledger
from tools.evidence.store import sha256_file

if TYPE_CHECKING:
    from tools.attest.public_key import PublicKey


@dataclass(frozen=True)
class Verification:
    """What came out, in the order in which it was looked at: files, verdicts, signatures."""

    problems: tuple[str, ...]
    """One sentence each; the first names the first thing that changed."""
    same: tuple[str, ...]
    """Verdicts that were derived again, byte for byte."""
    signed: dict[str, tuple[str, ...]]
    """What each key has signed, by its fingerprint: audits, and ``bundle``."""
    notes: tuple[str, ...]
    """What a reader must know to weigh the signatures."""

    @property
    def ok(self) -> bool:
        """Something was derived again, and nothing is wrong."""
        return bool(self.same) and not self.problems

    def lines(self) -> list[str]:
        """What ``verify`` prints."""
        derived = f"{len(self.same)} verdict{'' if len(self.same) == 1 else 's'} re-derived"
        return [
            *(f"DIFFERS  {problem}" for problem in self.problems),
            *(f"same     {name}" for name in self.same),
            *(f"signed   {', '.join(names)}\n         by {key}" for key, names in self.signed.items()),
            *(f"note     {note}" for note in self.notes),
            f"{derived}, {len(self.problems)} problems" if self.problems else f"{derived}, all bytes equal",
        ]


def verify_folder(folder: Path, public_key: Path | None = None) -> Verification:
    """Check a bundle or a run folder. With ``public_key`` (a PEM file) everything must be signed by that key.

    Raises ``UserError`` when there is nothing to check.
    """
    signatures = Signatures(_trusted(public_key))
    if (folder / "manifest.json").is_file():
        evidence = folder / "evidence"
        signatures.check_bundle(folder)
        problems = [*signatures.take_problems(), *_guarded(lambda: _check_manifest(folder, _beside(signatures)))]
        problems += [f"evidence/{it}" for it in _guarded(lambda: check_chain(evidence))]
        signatures.check_verdicts(evidence, "evidence/")
    elif (folder / "run.json").is_file():
        evidence = folder
        problems = _guarded(lambda: check_ledger(folder))
        signatures.check_verdicts(folder)
        if (folder / "bundle" / ATTESTATION).is_file():
            signatures.check_bundle(folder / "bundle", "bundle/")
    else:
        raise UserError(
            "neither a bundle nor a run folder", str(folder), "give the folder that holds manifest.json or run.json"
        )
    audits = verify(evidence).audits
    problems += [f"{it.audit}: {it.status}: {it.detail}" for it in audits if it.status != "same"]
    problems += signatures.problems
    if signatures.trusted is not None:
        problems += [f"{name}: not signed" for name in signatures.unsigned]
    return Verification(
        problems=tuple(map(_printable, problems)),
        same=tuple(it.audit for it in audits if it.status == "same"),
        signed={fingerprint: tuple(names) for fingerprint, names in sorted(signatures.signed.items())},
        notes=tuple(map(_printable, _notes(signatures))),
    )


def _trusted(path: Path | None) -> PublicKey | None:
    if path is None:
        return None
    try:
        from tools.attest.public_key import load_public_key
    except ImportError as missing:
        raise library_missing(missing) from None
    return load_public_key(path)


def _notes(signatures: Signatures) -> list[str]:
    notes = []
    if signatures.signed and signatures.trusted is None:
        notes.append(
            "trusted on first use: the key came along with the files. Compare its fingerprint with one that you know, "
            "or give the key that you trust with --public-key"
        )
    if signatures.unsigned and signatures.trusted is None:
        everything = not signatures.signed and not signatures.problems
        notes.append("not signed" + ("" if everything else f": {', '.join(signatures.unsigned)}"))
    if signatures.strangers:
        notes.append(f"also signed, not checked for want of the key: {', '.join(sorted(signatures.strangers))}")
    return notes


def _beside(signatures: Signatures) -> set[str]:
    """What may lie in a bundle besides the files of its manifest: the attestation over it, and the key."""
    signers = [fingerprint.removeprefix("sha256:") for fingerprint in signatures.signed]
    return {"manifest.json", ATTESTATION, *(f"{KEYS}/{keyid}.pem" for keyid in signers)}


def _check_manifest(bundle: Path, beside: set[str]) -> list[str]:
    path = bundle / "manifest.json"
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            return ["manifest.json: too large"]
        files = orjson.loads(path.read_bytes())["files"]
        wanted = {str(name): str(digest) for name, digest in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return ["manifest.json: cannot be read"]
    root = bundle.resolve()
    problems = [problem for name, digest in sorted(wanted.items()) if (problem := _check_file(root, name, digest))]
    present = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    return problems + [f"{name}: not in the manifest" for name in sorted(present - set(wanted) - beside)]


def _check_file(root: Path, name: str, digest: str) -> str | None:
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            return f"{name}: points outside the bundle"
        if not path.is_file():
            return f"{name}: gone"
        return None if sha256_file(path) == digest else f"{name}: changed"
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, or links in a circle
        return f"{name[:200]}: cannot be read"


def _guarded(check: Callable[[], list[str]]) -> list[str]:
    try:
        return check()
    except (OSError, ValueError) as problem:
        return [f"the folder cannot be read: {problem}"]


def _printable(text: str) -> str:
    """Names come from files that somebody else wrote: nothing in them may steer a terminal."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
