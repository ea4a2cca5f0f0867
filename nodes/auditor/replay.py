"""Replays verdicts: the same evidence and rules must give the same bytes; otherwise reports the first difference."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from bankable.nodes.auditor.engine import evaluate
from bankable.nodes.auditor.ruleset import ruleset_digest
from bankable.nodes.auditor.verdict import Verdict
from bankable.tools.errors import UserError
from bankable.tools.evidence.difference import first_difference
from bankable.tools.evidence.request import Request
from bankable.tools.evidence.seal import Seal, seal

MAX_VERDICT_BYTES = 64 << 20
"""Largest verdict that is read, bytes."""

Status = Literal["same", "evidence_changed", "verdict_changed", "other_rules", "unreadable"]


@dataclass(frozen=True)
class ReplayedVerdict:
    """The result of deriving one verdict again."""

    audit: str
    """Folder name under ``audits/``."""
    status: Status
    """How the derived verdict compares with the stored one."""
    detail: str
    """For ``evidence_changed`` the first file, relative to the sealed folder, and what happened to it; for
    ``verdict_changed`` the first field; for ``other_rules`` which rules wrote it."""
    ruleset: str = ""
    """sha256 of the rules that wrote the verdict; empty where it cannot be read."""


@dataclass(frozen=True)
class VerifyReport:
    """The results for every verdict of a run or bundle."""

    audits: tuple[ReplayedVerdict, ...]

    @property
    def ok(self) -> bool:
        """True when there was at least one verdict and all derived the same bytes."""
        return bool(self.audits) and all(audit.status == "same" for audit in self.audits)

    def problems(self) -> list[str]:
        """One line per verdict that did not come out the same; all that other rules gave stand in one line."""
        others = [audit for audit in self.audits if audit.status == "other_rules"]
        lines = [
            f"{audit.audit}: {audit.status}: {audit.detail}"
            for audit in self.audits
            if audit.status not in ("same", "other_rules")
        ]
        if others:
            written = ", ".join(sorted({audit.ruleset[:12] for audit in others}))
            named = f"{len(others)} verdicts" if len(others) > 1 else others[0].audit
            lines.append(
                f"{named}: other_rules: evidence unchanged, written by a version with rules {written}, this one has "
                f"{ruleset_digest()[:12]}; that version derives the same bytes again"
            )
        return lines


def verify(folder: Path) -> VerifyReport:
    """Derive each ``audits/*/verdict.json`` of a run or bundle again. Raises ``UserError`` when there is none."""
    paths = sorted((folder / "audits").glob("*/verdict.json"))
    if not paths:
        raise UserError(
            "Cannot verify the folder: no verdicts in it", str(folder), "give a folder that holds audits/*/verdict.json"
        )
    return VerifyReport(tuple(_replay(folder, path) for path in paths))


def _replay(run: Path, path: Path) -> ReplayedVerdict:
    name = path.parent.name
    try:
        stored = _read_stored(path)
        verdict = Verdict.model_validate_json(stored)
        with _sealed_again(run, verdict.request) as sealed:
            return _compare(name, verdict, stored, sealed)
    except ValidationError as cause:
        return ReplayedVerdict(name, "unreadable", str(cause.errors(include_url=False, include_input=False)[0]["msg"]))
    except UserError as cause:
        return ReplayedVerdict(name, "unreadable", str(cause))
    except OSError as cause:
        return ReplayedVerdict(name, "unreadable", f"cannot read a file: {cause.strerror}")
    except (ValueError, TypeError):  # a name that no file can have, a number that JSON cannot hold
        return ReplayedVerdict(name, "unreadable", "the verdict's request cannot be sealed again")


def _read_stored(path: Path) -> bytes:
    if path.stat().st_size > MAX_VERDICT_BYTES:
        raise UserError("Cannot read the verdict: file too large")
    return path.read_bytes()


@contextmanager
def _sealed_again(run: Path, request: Request) -> Iterator[Seal]:
    if request.scope == "pair":
        raise UserError("Cannot replay a verdict on imported files: they are not part of a run")
    with tempfile.TemporaryDirectory(prefix="audit-replay-") as place:
        control = "control" if request.control is None else request.control
        sealed = seal(
            run,
            request.scope,
            request.subject,
            request.attempt,
            Path(place) / "sealed",
            comparison=request.comparison,
            control=control,
            components=request.components,
            run_id=request.run_id,
            ledger=request.ledger,
            profile=request.profile,
            recorder=request.recorder,
        )
        try:
            yield sealed
        finally:
            sealed.discard()


def _compare(name: str, verdict: Verdict, stored: bytes, sealed: Seal) -> ReplayedVerdict:
    other = verdict.ruleset != ruleset_digest()
    before, after = {entry.file: entry.sha256 for entry in verdict.evidence}, sealed.digests
    # Other rules ask for other files: then only what they had read can have changed.
    compared = before.keys() - {"request.json"} if other else before.keys() | after.keys()
    changed = next((file for file in sorted(compared) if before.get(file) != after.get(file)), None)
    if changed is not None:
        what = "added" if changed not in before else "missing" if changed not in after else "changed"
        return ReplayedVerdict(name, "evidence_changed", f"{changed} {what}")
    if other:
        detail = f"evidence unchanged, written by rules {verdict.ruleset[:12]}, these are {ruleset_digest()[:12]}"
        return ReplayedVerdict(name, "other_rules", detail, verdict.ruleset)
    derived = evaluate(sealed.folder, hashed=sealed.digests).to_bytes()
    if derived != stored:
        again = Verdict.model_validate_json(derived).model_dump(mode="json")
        where = first_difference(verdict.model_dump(mode="json"), again, ("stored", "derived"))
        return ReplayedVerdict(name, "verdict_changed", where or "the same verdict, written in another form")
    return ReplayedVerdict(name, "same", "")
