"""Combines several votes into findings.

An accusation counts when at least one of its quotes is verified. A FLAG needs more than half of the requested votes to
share a concern. A FAIL needs every requested vote, and at least three, to accuse of the same concern with severity
FAIL, and a concern that can withhold. Unless more than half of the votes were answered there is no finding, and the
judge is degraded. The verdict that a vote states has no effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bankable.nodes.auditor.judge.opinion import Accusation, Concern, Quote
from bankable.nodes.auditor.record import plain
from bankable.nodes.auditor.verdict import Action, Evidence, Finding, Severity

RULE = "judge"
FEWEST_FOR_A_FAIL = 3
"""Votes that a FAIL needs."""
ACTIONS: dict[Concern, tuple[Severity, Action]] = {
    "claim_mismatch": (Severity.FAIL, Action.EJECT),
    "coherence": (Severity.FAIL, Action.EJECT),
    "tampering": (Severity.FAIL, Action.EJECT),
    "lever_class": (Severity.FLAG, Action.DOWNGRADE_HEADLINE),
    "other": (Severity.FLAG, Action.FLAG),
}
"""Highest severity of each concern, and the action that follows from it."""
MOST_PLACES = 8
"""Places of evidence per finding."""


@dataclass(frozen=True)
class Charge:
    """An accusation with its verified quotes, at least one."""

    accusation: Accusation
    """As the model made it."""
    quotes: tuple[Quote, ...]
    """Those of its quotes that were verified."""


def weigh_ballots(requested: int, ballots: Sequence[Sequence[Charge]]) -> tuple[Finding, ...]:
    """Findings of ``requested`` votes, of which ``ballots`` were answered; at most one finding per concern."""
    if len(ballots) * 2 <= requested:
        return ()
    findings = (_weigh_concern(requested, concern, ballots) for concern in ACTIONS)
    return tuple(finding for finding in findings if finding is not None)


def _weigh_concern(requested: int, concern: Concern, ballots: Sequence[Sequence[Charge]]) -> Finding | None:
    accusing = [
        charges
        for ballot in ballots
        if (charges := [charge for charge in ballot if charge.accusation.concern == concern])
    ]
    if len(accusing) * 2 <= requested:
        return None
    heaviest, action = ACTIONS[concern]
    failing = sum(any(charge.accusation.severity == "FAIL" for charge in charges) for charges in accusing)
    withheld = heaviest is Severity.FAIL and failing == requested >= FEWEST_FOR_A_FAIL
    severity = Severity.FAIL if withheld else Severity.FLAG
    merged = [charge for charges in accusing for charge in charges]
    # The text of the first charge that is as severe as the finding; the places of all of them.
    first = next((charge for charge in merged if not withheld or charge.accusation.severity == "FAIL"), merged[0])
    places = dict.fromkeys((quote.file, quote.line) for charge in merged for quote in charge.quotes)
    return Finding(
        rule=RULE,
        severity=severity,
        expected=plain(first.accusation.expected),
        observed=plain(f"{len(accusing)} of {requested} votes: {first.accusation.observed}"),
        evidence=tuple(Evidence(file=file, line=line) for file, line in list(places)[:MOST_PLACES]),
        action=action if withheld or heaviest is Severity.FLAG else Action.FLAG,
        advice=plain(first.accusation.advice),
        code=concern,
    )
