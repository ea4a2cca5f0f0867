"""The conditions that the claim states are those that the servers resolved (C01 C02 D14).

A summary that says "both legs at 0.85" is compared, argument by argument, with the resolved arguments of every leg that
it speaks of. A condition that raw contradicts is a FAIL; where the argument is a capacity that the logs show to be
inert, the win stands and its summary does not: FLAG. A claim without stated conditions has nothing to judge.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.capacity import capacity
from bankable.nodes.auditor.reading.claims import StatedCondition
from bankable.nodes.auditor.reading.resolved import (
    LENGTH_CAPS,
    POOL,
    REQUEST_CAPS,
    ArgumentDifference,
    format_value,
    same_value,
)
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import (
    COMPARISONS,
    Found,
    NotApplicable,
    Outcome,
    Rule,
    Unverifiable,
    at,
    fail,
    flag,
    info,
)
from bankable.nodes.auditor.verdict import Action, Severity

NOT_SET = "None"
"""Text with which a summary lists an argument that was never set."""
ADVICE = "state what the servers resolved, leg by leg"


def check(case: Case) -> Iterator[Outcome]:
    stated = [(claim.file, condition) for claim in case.claims for condition in claim.conditions]
    if not stated:
        yield NotApplicable("no claim states conditions")
        return
    lever = case.lever.names()
    for file, condition in stated:
        if condition.name not in lever and condition.value != NOT_SET:
            yield from _condition(case, file, condition)


def _condition(case: Case, file: str, condition: StatedCondition) -> Iterator[Outcome]:
    name, value, where = condition.name, condition.value, at(file)
    legs = [leg for leg in case.legs if condition.side in (None, leg.side)]
    silent = next((leg for leg in legs if name not in (leg.server_info or {})), None)
    wrong = next(
        (leg for leg in legs if name in (leg.server_info or {}) and not same_value(value, _value(leg, name))), None
    )
    if silent is not None:
        what = f"{name}, which the claim states, in the resolved arguments of {silent.name}"
        yield Unverifiable(
            what[:300], (where, at(silent.path("server_info.json"))), fix="state what the server reports"
        )
    if wrong is None:
        if silent is None:
            yield info(f"{name} = {value}"[:300], "on every leg", where)
        return
    resolved = format_value(wrong.server_info or {}, name)
    place = at(wrong.path("server_info.json"))
    expected, observed = f"{name} = {value}, as claimed"[:300], f"{name} = {resolved} in {wrong.name}"[:300]
    if name in POOL | REQUEST_CAPS | LENGTH_CAPS and _inert(case, wrong, name):
        yield flag(
            expected,
            observed,
            ADVICE,
            where,
            place,
            action=Action.DOWNGRADE_HEADLINE,
            modes=("C02", "D14"),
            code="inert_condition_misreported",
        )
    else:
        yield fail(expected, observed, ADVICE, where, place, modes=("C01", "D14"), code="condition_misreported")


def _inert(case: Case, wrong: LegView, name: str) -> bool:
    """By the same evidence as for a capacity that moved between the legs."""
    other = next((leg for leg in case.legs if format_value(leg.server_info or {}, name) != _value(wrong, name)), None)
    if other is None:
        return False
    difference = ArgumentDifference(name, _value(other, name), _value(wrong, name))
    outcomes = list(capacity(other, wrong, difference))
    return all(isinstance(outcome, Found) and outcome.severity is Severity.INFO for outcome in outcomes)


def _value(leg: LegView, name: str) -> str:
    return format_value(leg.server_info or {}, name)


rule = Rule(
    "reported_conditions", COMPARISONS, ("C01", "C02", "D14"), ("lever", "claim", "rounds", "server_info"), check
)
