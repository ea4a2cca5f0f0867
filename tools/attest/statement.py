"""The signed statements: in-toto Statements (v1) with this project's own predicates, in one byte form.

A statement holds no time and no path outside the evidence, so the same evidence, rules and key give the same signature.
Field names follow in-toto's convention (lower camel case).
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bankable.tools.evidence.canonical import canonical
from bankable.tools.evidence.records import Digest

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
VERDICT_TYPE: Final = "urn:bankable:verdict:v1"
BUNDLE_TYPE: Final = "urn:bankable:bundle:v1"


class _Signed(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class DigestSet(_Signed):
    """in-toto's digests by algorithm; this project uses one."""

    sha256: Digest
    """Of the file's bytes, as hexadecimal digits."""


class Artifact(_Signed):
    """One file that the statement is about."""

    name: str
    """Relative to the sealed folder (verdicts) or to the bundle, with forward slashes."""
    digest: DigestSet
    """Digest of the file's content."""


class VerdictPredicate(_Signed):
    """The auditor's verdict on the files that are the statement's subject."""

    run_id: str
    """Nonce of the run that the evidence is from."""
    scope: str
    """What kind of claim was judged, as in ``Verdict.scope``."""
    subject: str
    """What was judged, as in ``Verdict.subject``."""
    attempt: int = Field(ge=1, le=1_000_000)
    """1-based."""
    verdict: Literal["PASS", "FLAG", "FAIL"]
    """The auditor's verdict."""
    action: str
    """Action that the verdict advises."""
    verdict_sha256: Digest
    """Of ``verdict.json``, which holds the findings."""
    ruleset: Digest
    """sha256 over the sources of the rules, as in ``Verdict.ruleset``."""
    ledger_head: Digest
    """Link of the ledger's entry for ``verdict.json``: it binds every file that the run had finished before."""


class BundlePredicate(_Signed):
    """The manifest is as the run wrote it. Only the verdicts prove the gain that it states."""

    run_id: str
    """Nonce of the run that made the bundle."""


class Statement(_Signed):
    """What both kinds have in common."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(default=STATEMENT_TYPE, alias="_type")
    """Type of the statement: in-toto, version 1."""
    subject: tuple[Artifact, ...] = Field(min_length=1)
    """Files that the statement is about."""

    def to_bytes(self) -> bytes:
        """Canonical JSON: what the signature covers."""
        return canonical(self.model_dump(mode="json", by_alias=True))


class VerdictStatement(Statement):
    """About sealed evidence: how it was judged."""

    predicate_type: Literal["urn:bankable:verdict:v1"] = VERDICT_TYPE
    """Names the form of ``predicate``."""
    predicate: VerdictPredicate
    """The verdict on these files."""


class BundleStatement(Statement):
    """About a bundle's ``manifest.json``, which has a digest of every other file."""

    predicate_type: Literal["urn:bankable:bundle:v1"] = BUNDLE_TYPE
    """Names the form of ``predicate``."""
    predicate: BundlePredicate
    """The run that the bundle is from."""


def artifact(name: str, sha256: str) -> Artifact:
    """A file by name and digest."""
    return Artifact(name=name, digest=DigestSet(sha256=sha256))
