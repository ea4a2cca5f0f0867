"""Audit steps: seal the evidence, have the auditor judge the copy in its own process, store and sign the verdict."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bankable.graph.judging import with_judge
from bankable.graph.signing import sign_verdict
from bankable.graph.state import Judged
from bankable.nodes.auditor.process import audit_sealed
from bankable.nodes.auditor.verdict import Severity, Verdict
from bankable.tools.evidence.request import Request
from bankable.tools.evidence.seal import seal
from bankable.tools.evidence.store import write_once
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext

if TYPE_CHECKING:
    from bankable.graph.llm import Llm
    from bankable.tools.attest.signing_key import SigningKey

Scope = Literal["baseline", "profile", "patch", "harness", "bundle", "frontier"]


NOT_JUDGED: tuple[Scope, ...] = ("frontier",)
"""Scopes that the language-model judge is not asked about: a frontier is arithmetic over records."""


@dataclass(frozen=True)
class AuditSubject:
    """One audit to be done: its subject and the control that it is compared with."""

    scope: Scope
    attempt: int
    comparison: str
    """Folder of the comparison, or of the profile."""
    control: str
    components: tuple[str, ...] = ()
    """Verdict folders of the accepted levers; used by scope ``bundle``."""

    @property
    def name(self) -> str:
        """Name of the comparison without its attempt number."""
        return self.comparison.removesuffix(f"-{self.attempt}") if self.attempt > 1 else self.comparison


def skip_audit(subject: AuditSubject) -> Judged:
    """The record of a run without an auditor: verdict ``SKIPPED``."""
    return Judged(
        scope=subject.scope,
        subject=subject.name,
        attempt=subject.attempt,
        verdict="SKIPPED",
        action="pass",
        rules=(),
        headline="",
        folder="",
    )


def audit(context: RunContext, subject: AuditSubject, key: SigningKey | None = None, llm: Llm | None = None) -> Judged:
    """Judge one subject from a sealed copy of its evidence, store the verdict, and sign it with ``key``.

    With ``llm`` the language-model judge is asked too. ``verdict.json`` holds the verdict of the rules alone; the
    return value combines both.
    """
    folder = context.folder.audit(subject.scope, subject.name, subject.attempt)
    with _seal(context, subject, _stored_request(folder / "verdict.json")) as sealed:
        own = audit_sealed(sealed)
        write_once(folder / "verdict.json", own.to_bytes())
        context.folder.ledger.enter(folder / "verdict.json")
        if key is not None:
            sign_verdict(context.folder, folder.name, key)
        asked = llm if subject.scope not in NOT_JUDGED else None
        verdict = with_judge(context, asked, sealed, own, folder) if asked is not None else own
    heavy = [finding for finding in verdict.findings if finding.severity is not Severity.INFO]
    shown = "; ".join(f"{finding.rule}: {finding.observed}" for finding in heavy[:3])
    context.tell(
        ProgressEvent(
            "verdict", f"{subject.scope} {subject.comparison}: {verdict.verdict}" + (f" ({shown})" if shown else "")
        )
    )
    return Judged(
        scope=subject.scope,
        subject=subject.name,
        attempt=subject.attempt,
        verdict=verdict.verdict.value,
        action=verdict.action.value,
        rules=tuple(sorted({finding.rule for finding in heavy})),
        headline=verdict.headline,
        folder=folder.name,
        # A judge without an answer leaves the verdict of the rules as it is; its record holds the reason.
        degraded=own.degraded,
    )


def _stored_request(verdict: Path) -> Request | None:
    """The request of a verdict that is there: a resumed run repeats the audit on the same lines of its logs."""
    try:
        return Verdict.model_validate_json(verdict.read_bytes()).request
    except (OSError, ValueError):
        return None


@contextmanager
def _seal(context: RunContext, subject: AuditSubject, before: Request | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bankable-seal-") as place:
        sealed = seal(
            context.folder.root,
            subject.scope,
            subject.name,
            subject.attempt,
            Path(place) / "sealed",
            comparison=subject.comparison,
            control=subject.control,
            components=subject.components,
            ledger=before.ledger if before is not None else None,
            recorder=before.recorder if before is not None else "all",
        )
        try:
            yield sealed.folder
        finally:
            sealed.discard()
