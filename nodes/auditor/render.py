"""Renders a verdict as plain text for a terminal, or as Markdown for a report or a pull request."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from types import MappingProxyType

from bankable.nodes.auditor.verdict import Evidence, Finding, LeverPart, Metric, Severity, Verdict

WIDTH = 110
"""Columns of the plain text."""
SHOWN_FILES = 3
"""Places of evidence that are listed per finding."""
NOWHERE: Mapping[str, str] = MappingProxyType({})
"""Origins of evidence that lies where the verdict says."""
_SPECIAL = re.compile(r"[\\`*_\[\]#|~$]")
"""Characters that are Markdown markup inside a line."""
_HIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Control characters except the line feed, and characters that change the text direction."""


def render_text(verdict: Verdict, *, everything: bool = False, origins: Mapping[str, str] = NOWHERE) -> str:
    """Render plain text; INFO findings and all notes only with ``everything``.

    ``origins``: path as the caller gave it, by path in the verdict.
    """
    subject = f"{verdict.scope} {verdict.subject}, attempt {verdict.attempt}"
    lines = [
        f"{verdict.verdict.value}  {subject}  →  {verdict.action.value}",
        verdict.headline,
        f"lever class {verdict.lever_class}; kernel win: {'yes' if verdict.counts_as_kernel_win else 'no'}",
    ]
    lines += [_metric_line(metric) for metric in verdict.metrics]
    if len(verdict.lever_decomposition) > 1:
        lines += [f"  of which {_part_line(part)}" for part in verdict.lever_decomposition]
    for finding in _select_findings(verdict, everything=everything):
        lines += ["", *_paragraph(finding, origins)]
    remarks = [note.text for note in verdict.notes if note.kind == "remark"] if verdict.request.scope == "pair" else []
    if remarks and not everything:
        lines += ["", "remarks:", *(f"  {text}" for text in dict.fromkeys(remarks))]
    kinds = {note.kind for note in verdict.notes} if everything else {"unverifiable"}
    notes = [note for note in verdict.notes if note.kind in kinds]
    if notes:
        lines += ["", "notes:" if everything else "not judged, because the records are missing:"]
        lines += [f"  {note.rule} ({note.kind.replace('_', ' ')}): {note.text}" for note in notes]
    if verdict.degraded:
        lines += ["", f"degraded, not judged: {', '.join(verdict.degraded)}"]
    lines += ["", f"derived from {len(verdict.evidence)} files with rule set {verdict.ruleset[:12]}"]
    # A terminal interprets control characters, and evidence may contain some.
    return _HIDDEN.sub("", "\n".join(lines)) + "\n"


def render_markdown(verdict: Verdict, origins: Mapping[str, str] = NOWHERE) -> str:
    """Render GitHub-flavoured Markdown: headline, metrics, findings with their evidence.

    ``origins``: path as the caller gave it, by path in the verdict.
    """
    subject = f"{escape_cell(verdict.scope)} {escape_code(verdict.subject)} (attempt {verdict.attempt})"
    parts = [
        f"### {verdict.verdict.value}: {subject}",
        f"{escape_cell(verdict.headline)}. Action: `{verdict.action.value}`, lever class {verdict.lever_class}, "
        f"kernel win: {'yes' if verdict.counts_as_kernel_win else 'no'}.",
    ]
    if verdict.metrics:
        cells = [map(escape_cell, (metric.name, *_metric_cells(metric))) for metric in verdict.metrics]
        rows = [f"| {' | '.join(row)} |" for row in cells]
        parts.append("\n".join(["| metric | reference | candidate | change |", "| --- | ---: | ---: | --- |", *rows]))
    if len(verdict.lever_decomposition) > 1:
        parts.append(
            "\n".join(["Of which:", *(f"- {escape_cell(_part_line(part))}" for part in verdict.lever_decomposition)])
        )
    findings = _select_findings(verdict, everything=False)
    if findings:
        head = [
            "| severity | rule | expected | observed | evidence | what to do |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        parts.append("\n".join([*head, *(_finding_row(finding, origins) for finding in findings)]))
    remarks = [note.text for note in verdict.notes if note.kind == "remark"] if verdict.request.scope == "pair" else []
    if remarks:
        parts.append("\n".join(["Remarks:", *(f"- {escape_cell(text)}" for text in dict.fromkeys(remarks))]))
    unverifiable = [note for note in verdict.notes if note.kind == "unverifiable"]
    if unverifiable:
        items = [f"- {escape_code(note.rule)}: {escape_cell(note.text)}" for note in unverifiable]
        parts.append("\n".join(["Not judged, because the records are missing:", *items]))
    if verdict.degraded:
        parts.append(f"Degraded, not judged: {', '.join(map(escape_code, verdict.degraded))}.")
    parts.append(f"Derived from {len(verdict.evidence)} files with rule set `{verdict.ruleset[:12]}`.")
    return "\n\n".join(parts) + "\n"


def _select_findings(verdict: Verdict, *, everything: bool) -> list[Finding]:
    """Findings to show, the most severe first."""
    order = list(Severity)
    findings = [finding for finding in verdict.findings if everything or finding.severity is not Severity.INFO]
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def _paragraph(finding: Finding, origins: Mapping[str, str]) -> list[str]:
    title = f"{finding.severity.value} {finding.rule}" + (f" [{', '.join(finding.modes)}]" if finding.modes else "")
    fields = [("expected", finding.expected), ("observed", finding.observed), ("to do", finding.advice)]
    if finding.evidence:
        fields.append(("see", _places(finding, origins)))
    body = [
        textwrap.fill(
            f"{name + ':':<10}{' '.join(value.split())}", WIDTH, initial_indent="  ", subsequent_indent=" " * 12
        )
        for name, value in fields
    ]
    return [title, *body]


def _finding_row(finding: Finding, origins: Mapping[str, str]) -> str:
    rule = escape_code(finding.rule) + (f" ({', '.join(finding.modes)})" if finding.modes else "")
    cells = (finding.expected, finding.observed, _places(finding, origins), finding.advice)
    return "| " + " | ".join([finding.severity.value, rule, *map(escape_cell, cells)]) + " |"


def _places(finding: Finding, origins: Mapping[str, str]) -> str:
    places = list(dict.fromkeys(_place(evidence, origins) for evidence in finding.evidence))
    more = len(places) - SHOWN_FILES
    return ", ".join(places[:SHOWN_FILES]) + (f" and {more} more" if more > 0 else "")


def _place(evidence: Evidence, origins: Mapping[str, str]) -> str:
    file = origins.get(evidence.file, evidence.file)
    return file if evidence.line is None else f"{file}:{evidence.line}"


def _part_line(part: LeverPart) -> str:
    """A lever's part of the gain, on top of the parts before it."""
    gain = "unknown" if part.gain is None else f"{part.gain:+.1%}"
    if part.interval is not None:
        gain += f" [{part.interval.lower:+.1%}, {part.interval.upper:+.1%}]"
    return f"{part.lever} (class {part.lever_class}): {gain}"


def _metric_line(metric: Metric) -> str:
    before, after, change = _metric_cells(metric)
    return f"  {metric.name:<20}{before:>14} → {after:<14}{change}"


def _metric_cells(metric: Metric) -> tuple[str, str, str]:
    before, after = (
        "–" if value is None else f"{value:.2f} {metric.unit}" for value in (metric.reference, metric.candidate)
    )
    change = "–" if metric.delta is None else f"{metric.delta:+.1%}"
    if metric.interval is not None:
        change += f" [{metric.interval.lower:+.1%}, {metric.interval.upper:+.1%}]"
    return before, after, change


def escape_cell(value: str) -> str:
    """Escape text for GitHub-flavoured Markdown: no cell border, tag, link, image, mention or emphasis remains."""
    plain = _HIDDEN.sub("", " ".join(value.split()))
    plain = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = _SPECIAL.sub(r"\\\g<0>", plain)
    # Mentions and addresses become links without any markup; a zero-width space prevents that.
    return plain.replace("@", "@\u200b").replace("://", ":\u200b//").replace("www.", "www\u200b.")


def escape_code(value: str) -> str:
    """Text as inline code, where only a backtick or a cell border can end it."""
    plain = _HIDDEN.sub("", " ".join(value.split()))
    return "`" + plain.replace("`", "'").replace("|", "\\|").replace("@", "@\u200b") + "`"
