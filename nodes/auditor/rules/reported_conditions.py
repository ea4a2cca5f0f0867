"""The conditions that the claim states are those that the servers resolved (C01 C02 D14).

A summary that says "both legs at 0.85" is compared, argument by argument, with the resolved arguments of every leg. A
condition that raw contradicts is a FAIL; where the argument is a capacity that the logs show to be inert, the win
stands and its summary does not: FLAG. A claim without stated conditions has nothing to judge.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.capacity import capacity
from bankable.nodes.auditor.reading.resolved import LENGTH_CAPS, POOL, REQUEST_CAPS, ArgumentDifference, format_value
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import COMPARISONS, Found, NotApplicable, Outcome, Rule, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import Scalar

ADVICE = "state what the servers resolved, leg by leg"


def check(case: Case) -> Iterator[Outcome]:
    stated = {name: value for name, value in case.claim.conditions.items() if value is not None}
    if not stated:
        yield NotApplicable("the claim states no conditions")
        return
    for name, value in sorted(stated.items()):
        if name not in case.lever.names():
            yield from _condition(case, name, value)


def _condition(case: Case, name: str, value: Scalar) -> Iterator[Outcome]:
    wrong = next((leg for leg in case.legs if not _is(leg, name, value)), None)
    where = at(case.claim_file)
    if wrong is None:
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
    return all(isinstance(it, Found) and it.severity is Severity.INFO for it in outcomes)


def _is(leg: LegView, name: str, value: Scalar) -> bool:
    resolved = (leg.server_info or {}).get(name)
    return resolved == value or _value(leg, name) == str(value)


def _value(leg: LegView, name: str) -> str:
    return format_value(leg.server_info or {}, name)


rule = Rule(
    "reported_conditions", COMPARISONS, ("C01", "C02", "D14"), ("plan", "claim", "rounds", "server_info"), check
)
