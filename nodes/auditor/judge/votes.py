"""From several opinions to what they lower a verdict to.

An accusation counts when at least one of its quotes holds. For a FLAG more than half of the votes asked have to share a
concern. For a FAIL every vote asked has to accuse of the same concern with severity FAIL, there have to be three at
least, and the concern has to be one that can withhold. Without an answer from more than half nothing is lowered, and
the judge is degraded. What a vote calls its verdict has no effect: there is no way to say PASS that changes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bankable.nodes.auditor.judge.opinion import Accusation, Concern, Quote
from bankable.nodes.auditor.record import plain
from bankable.nodes.auditor.verdict import Action, Evidence, Finding, Severity

RULE = "judge"
FEWEST_FOR_A_FAIL = 3
ACTIONS: dict[Concern, tuple[Severity, Action]] = {
    "claim_mismatch": (Severity.FAIL, Action.EJECT),
    "coherence": (Severity.FAIL, Action.EJECT),
    "tampering": (Severity.FAIL, Action.EJECT),
    "lever_class": (Severity.FLAG, Action.DOWNGRADE_HEADLINE),
    "other": (Severity.FLAG, Action.FLAG),
}
"""The heaviest that each concern can weigh, and what follows from that."""
MOST_PLACES = 8


@dataclass(frozen=True)
class Charge:
    """An accusation with the quotes that hold; there is at least one."""

    accusation: Accusation
    quotes: tuple[Quote, ...]


def lowered(asked: int, ballots: Sequence[Sequence[Charge]]) -> tuple[Finding, ...]:
    """Findings of ``asked`` votes, of which ``ballots`` were answered; one finding a concern at most."""
    if len(ballots) * 2 <= asked:
        return ()
    found = (_concern(asked, concern, ballots) for concern in ACTIONS)
    return tuple(finding for finding in found if finding is not None)


def _concern(asked: int, concern: Concern, ballots: Sequence[Sequence[Charge]]) -> Finding | None:
    accusing = [mine for ballot in ballots if (mine := [it for it in ballot if it.accusation.concern == concern])]
    if len(accusing) * 2 <= asked:
        return None
    heaviest, action = ACTIONS[concern]
    failing = sum(any(it.accusation.severity == "FAIL" for it in mine) for mine in accusing)
    withheld = heaviest is Severity.FAIL and failing == asked >= FEWEST_FOR_A_FAIL
    severity = Severity.FAIL if withheld else Severity.FLAG
    charges = [it for mine in accusing for it in mine]
    # The words of the first vote that weighs as much as the finding; the places of all that agree.
    first = next((it for it in charges if not withheld or it.accusation.severity == "FAIL"), charges[0])
    places = dict.fromkeys((quote.file, quote.line) for it in charges for quote in it.quotes)
    return Finding(
        rule=RULE,
        severity=severity,
        expected=plain(first.accusation.expected),
        observed=plain(f"{len(accusing)} of {asked} votes: {first.accusation.observed}"),
        evidence=tuple(Evidence(file=file, line=line) for file, line in list(places)[:MOST_PLACES]),
        action=action if withheld or heaviest is Severity.FLAG else Action.FLAG,
        advice=plain(first.accusation.advice),
        code=concern,
    )
