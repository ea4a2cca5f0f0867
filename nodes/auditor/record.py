"""Converts the outcomes of rules into the findings and notes of a verdict."""

from __future__ import annotations

import re

from bankable.nodes.auditor.rule import Found, NotApplicable, Outcome, Remark, Unverifiable
from bankable.nodes.auditor.verdict import Action, Finding, Note, Severity

LONGEST = 800
"""Largest number of quoted characters of evidence."""
WANTED = "a record that decides this"
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\uffff]")
"""Controls, terminal escapes, characters that reorder or hide others, and halves of characters."""


def record(
    rule: str, modes: tuple[str, ...], outcome: Outcome, findings: list[Finding], notes: list[Note], *, imported: bool
) -> None:
    """Append the findings and notes of one outcome.

    Missing evidence becomes both a note and a finding. ``imported``: the evidence is another tool's files.
    """
    match outcome:
        case Found():
            findings.append(
                Finding(
                    rule=rule,
                    severity=outcome.severity,
                    expected=plain(outcome.expected),
                    observed=plain(outcome.observed),
                    evidence=outcome.evidence,
                    action=outcome.action,
                    advice=plain(outcome.advice),
                    modes=outcome.modes or modes,
                    code=outcome.code,
                )
            )
        case Unverifiable():
            notes.append(Note(rule=rule, kind="unverifiable", text=plain(f"missing: {outcome.what}")))
            if not imported or outcome.excuses:
                findings.append(_unverifiable(rule, modes, outcome))
            elif not outcome.own_runs_only:
                findings.append(_not_shown(rule, outcome))
        case NotApplicable():
            notes.append(Note(rule=rule, kind="not_applicable", text=plain(outcome.why)))
        case Remark():
            notes.append(Note(rule=rule, kind="remark", text=plain(outcome.text)))


def _unverifiable(rule: str, modes: tuple[str, ...], outcome: Unverifiable) -> Finding:
    return Finding(
        rule=rule,
        severity=outcome.severity,
        expected=WANTED,
        observed=plain(f"missing: {outcome.what}"),
        evidence=outcome.evidence,
        action=Action.REMEASURE,
        advice="measure again with this record switched on; nothing is certified without it",
        modes=modes,
        code=outcome.code,
    )


def _not_shown(rule: str, outcome: Unverifiable) -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.FLAG,
        expected=WANTED,
        observed=plain(f"not shown: {outcome.what}"),
        evidence=outcome.evidence,
        action=Action.FLAG,
        advice=plain(outcome.fix or "give this record beside the result"),
        code="not_shown",
    )


def plain(text: str) -> str:
    """Printable text: evidence is quoted in it, and its content is untrusted."""
    shown = _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"
