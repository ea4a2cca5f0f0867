"""From what a rule answers to what a verdict holds."""

from __future__ import annotations

import re

from bankable.nodes.auditor.rule import Found, NotApplicable, NotShown, Outcome, Remark, Unverifiable
from bankable.nodes.auditor.verdict import Action, Finding, Note

LONGEST = 800
"""Characters of what is quoted from evidence."""
WANTED = "a record that decides this"
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\uffff]")
"""Controls, terminal escapes, characters that reorder or hide others, and halves of characters."""


def record(rule: str, modes: tuple[str, ...], outcome: Outcome, findings: list[Finding], notes: list[Note]) -> None:
    """Append what one outcome amounts to. What is missing becomes both a note and a finding."""
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
            notes.append(_missing(rule, outcome.what))
            findings.append(
                Finding(
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
            )
        case NotShown():
            notes.append(_missing(rule, outcome.what))
            if outcome.decides:
                findings.append(
                    Finding(
                        rule=rule,
                        severity=outcome.severity,
                        expected=WANTED,
                        observed=plain(f"not shown: {outcome.what}"),
                        evidence=outcome.evidence,
                        action=Action.FLAG,
                        advice=plain(outcome.fix),
                        code="not_shown",
                    )
                )
        case NotApplicable():
            notes.append(Note(rule=rule, kind="not_applicable", text=plain(outcome.why)))
        case Remark():
            notes.append(Note(rule=rule, kind="remark", text=plain(outcome.text)))


def _missing(rule: str, what: str) -> Note:
    return Note(rule=rule, kind="unverifiable", text=plain(f"missing: {what}"))


def plain(said: str) -> str:
    """Text that can be printed as it stands: evidence is quoted in it, and evidence is anybody's."""
    shown = _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", said)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"
