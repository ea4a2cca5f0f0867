"""``verify``: checks file digests, re-derives every verdict, and checks who signed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bankable.graph.key_source import library_missing
from bankable.graph.manifest import check_files, check_words
from bankable.graph.recorded import check_recorder
from bankable.graph.signatures import Signatures
from bankable.nodes.auditor.replay import verify
from bankable.tools.errors import UserError
from bankable.tools.evidence.ledger import check_chain, check_ledger
from bankable.tools.evidence.store import FileDigests

if TYPE_CHECKING:
    from bankable.tools.attest.public_key import PublicKey


@dataclass(frozen=True)
class Verification:
    """Results in the order of the checks: files, verdicts, signatures."""

    problems: tuple[str, ...]
    """One sentence per problem; the first names the first file that changed."""
    same: tuple[str, ...]
    """Verdicts that were re-derived byte for byte."""
    signed: dict[str, tuple[str, ...]]
    """Audits, and ``bundle``, signed by each key, by its fingerprint."""
    notes: tuple[str, ...]
    """Limitations of the signatures that a reader must know."""
    recorded: str = ""
    """Who signed the records as they were written; empty for a run without a recorder."""

    @property
    def ok(self) -> bool:
        """At least one verdict was re-derived, and there is no problem."""
        return bool(self.same) and not self.problems

    def lines(self) -> list[str]:
        """The text that ``verify`` prints."""
        derived = f"{len(self.same)} verdict{'' if len(self.same) == 1 else 's'} re-derived"
        return [
            *(f"DIFFERS  {problem}" for problem in self.problems),
            *(f"same     {name}" for name in self.same),
            *([f"recorded {self.recorded}"] if self.recorded else []),
            *(f"signed   {', '.join(names)}\n         by {key}" for key, names in self.signed.items()),
            *(f"note     {note}" for note in self.notes),
            f"{derived}, {len(self.problems)} problems" if self.problems else f"{derived}, all bytes equal",
        ]


def verify_folder(folder: Path, public_key: Path | None = None) -> Verification:
    """Check a bundle or a run folder. With ``public_key`` (a PEM file) everything must be signed by that key.

    Raises ``UserError`` when there is nothing to check.
    """
    signatures, digest_of = Signatures(_read_trusted_key(public_key)), FileDigests()
    if (folder / "manifest.json").is_file():
        bundle, evidence = folder, folder / "evidence"
        signatures.check_bundle(folder)
        problems = [*signatures.take_problems(), *_guard(lambda: check_files(folder, signatures.beside, digest_of))]
        problems += [f"evidence/{entry}" for entry in _guard(lambda: check_chain(evidence))]
        signatures.check_verdicts(evidence, "evidence/")
    elif (folder / "run.json").is_file():
        bundle, evidence = folder / "bundle", folder
        problems = _guard(lambda: check_ledger(folder, digest_of))
        signatures.check_verdicts(folder)
        if (bundle / "manifest.json").is_file():
            signatures.check_bundle(bundle, "bundle/")
    else:
        raise UserError(
            "Cannot verify: neither a bundle nor a run folder",
            str(folder),
            "give the folder that holds manifest.json or run.json",
        )
    recorder = check_recorder(evidence, digest_of)
    problems += recorder.problems
    report = verify(evidence)
    problems += report.problems()
    problems += signatures.problems
    if (bundle / "manifest.json").is_file():
        problems += _guard(lambda: check_words(bundle))
    if signatures.trusted is not None:
        problems += [f"{name}: not signed" for name in signatures.unsigned]
    return Verification(
        problems=tuple(map(_printable, problems)),
        same=tuple(audit.audit for audit in report.audits if audit.status == "same"),
        signed={fingerprint: tuple(names) for fingerprint, names in sorted(signatures.signed.items())},
        notes=tuple(map(_printable, _notes(signatures))),
        recorded=_printable(recorder.described),
    )


def _read_trusted_key(path: Path | None) -> PublicKey | None:
    if path is None:
        return None
    try:
        from bankable.tools.attest.public_key import load_public_key
    except ImportError as missing:
        raise library_missing(missing) from None
    return load_public_key(path)


def _notes(signatures: Signatures) -> list[str]:
    notes = []
    if signatures.signed and signatures.trusted is None:
        notes.append(
            "trusted on first use: the key was stored with the files. Compare its fingerprint with one that you know, "
            "or give the key that you trust with --public-key"
        )
    if signatures.unsigned and signatures.trusted is None:
        everything = not signatures.signed and not signatures.problems
        notes.append("not signed" + ("" if everything else f": {', '.join(signatures.unsigned)}"))
    if signatures.strangers:
        notes.append(f"also signed, not checked because the key is not here: {', '.join(sorted(signatures.strangers))}")
    return notes


def _guard(check: Callable[[], list[str]]) -> list[str]:
    try:
        return check()
    except (OSError, ValueError) as problem:
        return [f"the folder cannot be read: {problem}"]


def _printable(text: str) -> str:
    """Escape non-printable characters: names come from foreign files and must not control a terminal."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
