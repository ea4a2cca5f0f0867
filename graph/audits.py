"""Audit steps: seal the evidence, have the auditor judge the copy in its own process, keep the verdict."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from graph.state import Judged
from nodes.auditor.process import audit_sealed
from nodes.auditor.verdict import Severity, Verdict
from tools.evidence.seal import seal
from tools.evidence.store import write_once
from tools.measurement.lab import Lab
from tools.measurement.progress import Event

Scope = Literal["baseline", "profile", "patch", "bundle"]


@dataclass(frozen=True)
class Subject:
    """What is to be judged, and against which control."""

    scope: Scope
    attempt: int
    comparison: str
    """Folder of the comparison, or of the profile."""
    control: str
    components: tuple[str, ...] = ()
    """Verdict folders of the accepted levers; used by scope ``bundle``."""

    @property
    def name(self) -> str:
        """The comparison without its attempt number."""
        return self.comparison.removesuffix(f"-{self.attempt}") if self.attempt > 1 else self.comparison


def skipped(subject: Subject) -> Judged:
    """What a run without an auditor records: nothing was judged, and it says so."""
    return Judged(
        scope=subject.scope,
        subject=subject.name,
        attempt=subject.attempt,
        word="SKIPPED",
        action="pass",
        rules=(),
        headline="",
        folder="",
    )


def audit(lab: Lab, subject: Subject) -> Judged:
    """Judge one subject from a sealed copy of its evidence and keep the verdict beside it."""
    verdict = _verdict(lab, subject)
    folder = lab.folder.audit(subject.scope, subject.name, subject.attempt)
    write_once(folder / "verdict.json", verdict.to_bytes())
    lab.folder.ledger.enter(folder / "verdict.json")
    heavy = [finding for finding in verdict.findings if finding.severity is not Severity.INFO]
    shown = "; ".join(f"{finding.rule}: {finding.observed}" for finding in heavy[:3])
    lab.tell(
        Event("verdict", f"{subject.scope} {subject.comparison}: {verdict.verdict}" + (f" ({shown})" if shown else ""))
    )
    return Judged(
        scope=subject.scope,
        subject=subject.name,
        attempt=subject.attempt,
        word=verdict.verdict.value,
        action=verdict.action.value,
        rules=tuple(sorted({finding.rule for finding in heavy})),
        headline=verdict.headline,
        folder=folder.name,
    )


def _verdict(lab: Lab, subject: Subject) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="bankable-seal-") as place:
        sealed = seal(
            lab.folder.root,
            subject.scope,
            subject.name,
            subject.attempt,
            Path(place) / "sealed",
            comparison=subject.comparison,
            control=subject.control,
            components=subject.components,
        )
        try:
            return audit_sealed(sealed.folder)
        finally:
            sealed.discard()
