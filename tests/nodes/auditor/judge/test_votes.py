"""How many votes lower a verdict, and how far."""

from __future__ import annotations

from typing import Literal

import pytest

from bankable.nodes.auditor.judge.opinion import Accusation, Concern, Quote
from bankable.nodes.auditor.judge.votes import ACTIONS, Charge, weigh_ballots
from bankable.nodes.auditor.verdict import Action, Severity

QUOTE = Quote(file="a.py", line=3, text="x")


def _charge(
    concern: Concern = "claim_mismatch", severity: Literal["FLAG", "FAIL"] = "FAIL", observed: str = "o", line: int = 3
) -> Charge:
    accusation = Accusation(
        concern=concern, severity=severity, expected="e", observed=observed, advice="a", quotes=(QUOTE,)
    )
    return Charge(accusation, (QUOTE.model_copy(update={"line": line}),))


FAIL, FLAG = [_charge()], [_charge(severity="FLAG")]
OTHER = [_charge("coherence")]


@pytest.mark.parametrize(
    ("asked", "ballots", "severity"),
    [
        (3, [FAIL, FAIL, FAIL], Severity.FAIL),
        (5, [FAIL] * 5, Severity.FAIL),
        (3, [FAIL, FAIL, FLAG], Severity.FLAG),
        (3, [FAIL, FAIL, []], Severity.FLAG),
        (3, [FAIL, FAIL], Severity.FLAG),  # one vote without an answer
        (3, [FLAG, FLAG, FLAG], Severity.FLAG),
        (3, [FLAG, [], FLAG], Severity.FLAG),
        (3, [FAIL, [], []], None),
        (3, [FAIL, OTHER, []], None),  # two votes, two concerns
        (4, [FAIL, FAIL, [], []], None),  # half is not more than half
        (3, [FAIL], None),
        (1, [FAIL], Severity.FLAG),  # fewer than three votes withhold nothing
        (2, [FAIL, FAIL], Severity.FLAG),
        (2, [FAIL], None),
        (3, [], None),
    ],
)
def test_the_rule(asked: int, ballots: list[list[Charge]], severity: Severity | None) -> None:
    found = weigh_ballots(asked, ballots)
    assert [entry.severity for entry in found] == ([] if severity is None else [severity])


def test_a_kind_of_lever_downgrades_the_headline_and_no_more() -> None:
    (found,) = weigh_ballots(3, [[_charge("lever_class")]] * 3)
    assert (found.severity, found.action) == (Severity.FLAG, Action.DOWNGRADE_HEADLINE)


@pytest.mark.parametrize("concern", ACTIONS)
def test_no_concern_weighs_more_than_it_may(concern: Concern) -> None:
    (found,) = weigh_ballots(3, [[_charge(concern)]] * 3)
    heaviest, action = ACTIONS[concern]
    assert (found.severity, found.action) == (heaviest, action)


def test_a_flag_never_ejects() -> None:
    (found,) = weigh_ballots(3, [FAIL, FAIL, []])
    assert found.action is Action.FLAG


def test_what_a_finding_says() -> None:
    ballots = [[_charge(severity="FLAG", observed="weak", line=9)], [_charge(observed="strong\x1b", line=4)], FAIL]
    (flagged,) = weigh_ballots(3, ballots)
    assert flagged.observed == "3 of 3 votes: weak"
    assert [(entry.file, entry.line) for entry in flagged.evidence] == [("a.py", 9), ("a.py", 4), ("a.py", 3)]
    assert (flagged.rule, flagged.code) == ("judge", "claim_mismatch")
    (failed,) = weigh_ballots(3, [ballots[1]] * 3)
    assert failed.observed == "3 of 3 votes: strong\\u001b"


def test_one_vote_that_repeats_itself_is_one_vote() -> None:
    assert weigh_ballots(3, [[_charge()] * 10, [], []]) == ()
