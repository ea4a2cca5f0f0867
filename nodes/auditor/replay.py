"""Replaying verdicts: same evidence, same rules, same bytes, or the first file that changed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from nodes.auditor.engine import evaluate
from nodes.auditor.ruleset import ruleset_digest
from nodes.auditor.verdict import Verdict
from tools.errors import UserError
from tools.evidence.seal import Seal, seal

Status = Literal["same", "evidence_changed", "verdict_changed", "other_rules", "unreadable"]


@dataclass(frozen=True)
class Replayed:
    """One verdict, derived again."""

    audit: str
    """Folder name under ``audits/``."""
    status: Status
    detail: str
    """For ``evidence_changed`` the first file, relative to the sealed folder, and what happened to it."""


@dataclass(frozen=True)
class VerifyReport:
    """Every verdict of a run, derived again."""

    audits: tuple[Replayed, ...]

    @property
    def ok(self) -> bool:
        """True when there was something to check and all of it came out the same."""
        return bool(self.audits) and all(audit.status == "same" for audit in self.audits)

    def lines(self) -> list[str]:
        """One line per verdict."""
        return [f"{it.status:<17}{it.audit}" + (f": {it.detail}" if it.detail else "") for it in self.audits]


def verify(folder: Path) -> VerifyReport:
    """Re-derive each ``audits/*/verdict.json`` of a run or bundle. Raises ``UserError`` when there is none."""
    paths = sorted((folder / "audits").glob("*/verdict.json"))
    if not paths:
        raise UserError("no verdicts to replay", str(folder), "give a folder that holds audits/*/verdict.json")
    return VerifyReport(tuple(_replay(folder, path) for path in paths))


def _replay(run: Path, path: Path) -> Replayed:
    name = path.parent.name
    stored = path.read_bytes()
    try:
        verdict = Verdict.model_validate_json(stored)
    except ValidationError as cause:
        return Replayed(name, "unreadable", str(cause.errors(include_url=False, include_input=False)[0]["msg"]))
    request = verdict.request
    if request.scope == "pair":
        return Replayed(name, "unreadable", "a pair of foreign files is not sealed in a run")
    with tempfile.TemporaryDirectory(prefix="audit-replay-") as place:
        try:
            sealed = seal(
                run, request.scope, request.subject, request.attempt, Path(place) / "sealed",
                comparison=request.comparison, control=request.control or "control", components=request.components,
                run_id=request.run_id,
            )  # fmt: skip
        except UserError as cause:
            return Replayed(name, "unreadable", str(cause))
        try:
            return _compare(name, verdict, stored, sealed)
        finally:
            sealed.discard()


def _compare(name: str, verdict: Verdict, stored: bytes, sealed: Seal) -> Replayed:
    before = {entry.file: entry.sha256 for entry in verdict.evidence}
    changed = next(
        (file for file in sorted({*before, *sealed.digests}) if before.get(file) != sealed.digests.get(file)), None
    )
    if changed is not None:
        what = "added" if changed not in before else "missing" if changed not in sealed.digests else "changed"
        return Replayed(name, "evidence_changed", f"{changed} {what}")
    if verdict.ruleset != ruleset_digest():
        return Replayed(
            name, "other_rules", f"judged by rules {verdict.ruleset[:12]}, these are {ruleset_digest()[:12]}"
        )
    if evaluate(sealed.folder).to_bytes() != stored:
        return Replayed(name, "verdict_changed", "the same evidence and rules give another verdict")
    return Replayed(name, "same", "")
