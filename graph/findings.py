"""The auditor's findings on earlier levers of a run, as input for the roles that propose the next ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from bankable.nodes.auditor.judge.record import NAME, JudgeRecord
from bankable.nodes.auditor.verdict import Finding, Severity, Verdict

MOST = 20
"""Maximum number of findings that are passed on; the latest audits come last."""


def read_findings(run: Path, audits: str = "patch-*") -> list[str]:
    """FAIL and FLAG findings of these audits, with advice; a file that cannot be read gives none."""
    lines = [
        f"{verdict.subject}: {finding.severity} {finding.rule}: {finding.observed} Advice: {finding.advice}"
        for path in sorted((run / "audits").glob(f"{audits}/verdict.json"))
        if (verdict := _verdict(path)) is not None
        for finding in (*verdict.findings, *_of_judge(path.with_name(NAME)))
        if finding.severity is not Severity.INFO
    ]
    return lines[-MOST:]


def _verdict(path: Path) -> Verdict | None:
    try:
        return Verdict.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _of_judge(path: Path) -> Iterator[Finding]:
    try:
        yield from JudgeRecord.model_validate_json(path.read_bytes()).findings
    except (OSError, ValidationError):
        return
