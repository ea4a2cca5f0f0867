"""A verdict for people: plain text for a terminal, Markdown for a report or a pull request."""

from __future__ import annotations

import textwrap

from nodes.auditor.verdict import Evidence, Finding, Metric, Severity, Verdict

WIDTH = 110
SHOWN_FILES = 3


def text(verdict: Verdict, *, everything: bool = False) -> str:
    """Plain text; INFO findings and notes only with ``everything``."""
    subject = f"{verdict.scope} {verdict.subject}, attempt {verdict.attempt}"
    lines = [
        f"{verdict.verdict.value}  {subject}  →  {verdict.action.value}",
        verdict.headline,
        f"lever class {verdict.lever_class}; kernel win: {'yes' if verdict.counts_as_kernel_win else 'no'}",
    ]
    lines += [_metric_line(metric) for metric in verdict.metrics]
    for finding in _shown(verdict, everything=everything):
        lines += ["", *_paragraph(finding)]
    kinds = {note.kind for note in verdict.notes} if everything else {"unverifiable"}
    notes = [note for note in verdict.notes if note.kind in kinds]
    if notes:
        lines += ["", "not judged:" if not everything else "notes:"]
        lines += [f"  {note.rule} ({note.kind.replace('_', ' ')}): {note.text}" for note in notes]
    if verdict.degraded:
        lines += ["", f"degraded: {', '.join(verdict.degraded)}"]
    lines += ["", f"derived from {len(verdict.evidence)} files, rules {verdict.ruleset[:12]}"]
    return "\n".join(lines) + "\n"


def markdown(verdict: Verdict) -> str:
    """GitHub-flavoured Markdown: headline, figures, findings with their evidence."""
    parts = [
        f"### {verdict.verdict.value}: {_cell(verdict.scope)} `{verdict.subject}` (attempt {verdict.attempt})",
        f"{_cell(verdict.headline)}. Action: `{verdict.action.value}`, lever class {verdict.lever_class}, "
        f"kernel win: {'yes' if verdict.counts_as_kernel_win else 'no'}.",
    ]
    if verdict.metrics:
        rows = [f"| {metric.name} | {' | '.join(_metric_cells(metric))} |" for metric in verdict.metrics]
        parts.append("\n".join(["| figure | reference | candidate | change |", "| --- | ---: | ---: | --- |", *rows]))
    findings = _shown(verdict, everything=False)
    if findings:
        head = [
            "| severity | rule | expected | observed | evidence | what to do |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        parts.append("\n".join([*head, *map(_finding_row, findings)]))
    unverifiable = [note for note in verdict.notes if note.kind == "unverifiable"]
    if unverifiable:
        parts.append("\n".join(["Not verifiable:", *(f"- {note.rule}: {_cell(note.text)}" for note in unverifiable)]))
    if verdict.degraded:
        parts.append(f"Degraded, not judged: {', '.join(verdict.degraded)}.")
    parts.append(f"Derived from {len(verdict.evidence)} files by rules `{verdict.ruleset[:12]}`.")
    return "\n\n".join(parts) + "\n"


def _shown(verdict: Verdict, *, everything: bool) -> list[Finding]:
    order = list(Severity)
    found = [it for it in verdict.findings if everything or it.severity is not Severity.INFO]
    return sorted(found, key=lambda it: order.index(it.severity))


def _paragraph(finding: Finding) -> list[str]:
    title = f"{finding.severity.value} {finding.rule}" + (f" [{', '.join(finding.modes)}]" if finding.modes else "")
    fields = [("expected", finding.expected), ("observed", finding.observed), ("to do", finding.advice)]
    if finding.evidence:
        fields.append(("see", _places(finding)))
    body = [
        textwrap.fill(f"{name + ':':<10}{said}", WIDTH, initial_indent="  ", subsequent_indent=" " * 12)
        for name, said in fields
    ]
    return [title, *body]


def _finding_row(finding: Finding) -> str:
    rule = f"`{finding.rule}`" + (f" ({', '.join(finding.modes)})" if finding.modes else "")
    cells = (finding.severity.value, rule, finding.expected, finding.observed, _places(finding), finding.advice)
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _places(finding: Finding) -> str:
    shown = [_place(evidence) for evidence in finding.evidence[:SHOWN_FILES]]
    more = len(finding.evidence) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _place(evidence: Evidence) -> str:
    return evidence.file if evidence.line is None else f"{evidence.file}:{evidence.line}"


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


def _cell(said: str) -> str:
    """Text that cannot break out of a table cell, or start a mention or a tag."""
    plain = " ".join(said.split())
    for character, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("@", "@\u200b")):
        plain = plain.replace(character, safe)
    return plain
