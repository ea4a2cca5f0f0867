"""Reads the auditor's verdicts from their files, without trusting their form."""

from __future__ import annotations

from typing import Any

from bankable.tools.report.model import ReportFinding, ReportMetric, ReportNote, ReportVerdict
from bankable.tools.report.reading import ReportReader, clean, interval, mapping, number, sequence, whole

MAX_VERDICTS = 200
WORDS = ("FAIL", "FLAG")
"""What a verdict can be lowered to, the lowest first."""


def read_verdicts(reader: ReportReader) -> list[ReportVerdict]:
    """All verdicts below ``audits/``, in order of scope, subject and attempt."""
    views = []
    for folder in reader.folders(reader.root / "audits", MAX_VERDICTS):
        raw = reader.json(folder / "verdict.json")
        if raw:
            judge = reader.json(folder / "judge.json", needed=False)
            views.append(_lower(_verdict(clean(folder.name, 200), raw), judge))
    scopes = ("baseline", "profile", "harness", "patch", "bundle", "frontier")
    order = {scope: rank for rank, scope in enumerate(scopes)}
    return sorted(views, key=lambda v: (order.get(v.scope, len(order)), v.subject, v.attempt or 0))


def _verdict(folder: str, raw: dict[str, Any]) -> ReportVerdict:
    scope, subject = clean(raw.get("scope"), 40) or "?", clean(raw.get("subject"), 200) or folder
    source = f"{scope} · {subject}"
    return ReportVerdict(
        folder=folder,
        scope=scope,
        subject=subject,
        attempt=whole(raw.get("attempt")),
        verdict=clean(raw.get("verdict"), 20) or "unreadable",
        action=clean(raw.get("action"), 60),
        lever_class=clean(raw.get("lever_class"), 20),
        headline=clean(raw.get("headline")),
        findings=tuple(_finding(mapping(item)) for item in sequence(raw.get("findings"), 100)),
        metrics=tuple(_metric(mapping(item)) for item in sequence(raw.get("metrics"), 40)),
        notes=tuple(_note(source, item) for item in sequence(raw.get("notes"), 200)),
        degraded=tuple(clean(item, 200) for item in sequence(raw.get("degraded"), 100)),
    )


def _lower(verdict: ReportVerdict, judge: dict[str, Any]) -> ReportVerdict:
    """With the judge's findings: they add to the verdict, so it can only get lower."""
    findings = tuple(_finding(mapping(item)) for item in sequence(judge.get("findings"), 100))
    words = {verdict.verdict, *(finding.severity for finding in findings)}
    lowest = next((word for word in WORDS if word in words), verdict.verdict)
    heaviest = next((finding.action for finding in findings if finding.severity == lowest), "")
    return verdict.model_copy(
        update={
            "verdict": lowest,
            "action": verdict.action if lowest == verdict.verdict else heaviest,
            "findings": (*verdict.findings, *findings),
            "degraded": (*verdict.degraded, "judge") if judge.get("degraded") else verdict.degraded,
        }
    )


def _finding(raw: dict[str, Any]) -> ReportFinding:
    return ReportFinding(
        rule=clean(raw.get("rule"), 80),
        severity=clean(raw.get("severity"), 20),
        expected=clean(raw.get("expected")),
        observed=clean(raw.get("observed")),
        evidence=tuple(_place(item) for item in sequence(raw.get("evidence"), 20)),
        action=clean(raw.get("action"), 60),
        advice=clean(raw.get("advice")),
    )


def _place(raw: object) -> str:
    if not isinstance(raw, dict):
        return clean(raw, 200)
    line = whole(raw.get("line"))
    return clean(raw.get("file"), 200) + (f":{line}" if line is not None else "")


def _metric(raw: dict[str, Any]) -> ReportMetric:
    return ReportMetric(
        name=clean(raw.get("name"), 60),
        unit=clean(raw.get("unit"), 30),
        reference=number(raw.get("reference")),
        candidate=number(raw.get("candidate")),
        delta=number(raw.get("delta")),
        interval=interval(raw.get("interval")),
    )


def _note(source: str, raw: object) -> ReportNote:
    if not isinstance(raw, dict):
        return ReportNote(source=source, kind="remark", text=clean(raw))
    rule = clean(raw.get("rule"), 80)
    kind = clean(raw.get("kind"), 30).replace("_", " ") or "remark"
    return ReportNote(source=f"{source} · {rule}" if rule else source, kind=kind, text=clean(raw.get("text")))
