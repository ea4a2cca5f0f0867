"""From what a rule answers to what a verdict holds."""

from __future__ import annotations

from nodes.auditor.rule import Found, NotApplicable, Outcome, Remark, Unverifiable
from nodes.auditor.verdict import Action, Finding, Note


def record(rule: str, modes: tuple[str, ...], outcome: Outcome, findings: list[Finding], notes: list[Note]) -> None:
    """Append what one outcome amounts to. What is unverifiable becomes both a note and a finding."""
    match outcome:
        case Found():
            findings.append(
                Finding(
                    rule=rule,
                    severity=outcome.severity,
                    expected=outcome.expected,
                    observed=outcome.observed,
                    evidence=outcome.evidence,
                    action=outcome.action,
                    advice=outcome.advice,
                    modes=outcome.modes or modes,
                    code=outcome.code,
                )
            )
        case Unverifiable():
            notes.append(Note(rule=rule, kind="unverifiable", text=f"missing: {outcome.what}"))
            findings.append(
                Finding(
                    rule=rule,
                    severity=outcome.severity,
                    expected="a record that decides this",
                    observed=f"missing: {outcome.what}",
                    evidence=outcome.evidence,
                    action=Action.REMEASURE,
                    advice="measure again with this record switched on; nothing is certified without it",
                    modes=modes,
                    code=outcome.code,
                )
            )
        case NotApplicable():
            notes.append(Note(rule=rule, kind="not_applicable", text=outcome.why))
        case Remark():
            notes.append(Note(rule=rule, kind="remark", text=outcome.text))
