"""A change that is meant to be no gain costs no more than the caller allows (D01 D13).

Only where the caller gives margins (``--no-worse throughput=2%,ttft=5%``), on another tool's files. Each figure is *no
worse* when the upper bound of its harm over launches lies below the margin, *worse* when the lower bound lies above it,
and else *undecided*, with the launches a side that would decide. A gain is then not asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.margins import judge_margins
from bankable.nodes.auditor.rule import GAINS, NotApplicable, Outcome, Rule, at, fail, info
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.statistics.no_worse import NoWorseDecision


def check(case: Case) -> Iterator[Outcome]:
    if not case.options.no_worse:
        yield NotApplicable("no margins were given: the change has to be a gain")
        return
    where = at(case.candidate_file)
    for name, change, decision in judge_margins(case):
        if change is None or decision is None:
            yield fail(
                f"{name} of both legs",
                "not in the records of every launch",
                "let the benchmark write it, or leave its margin out",
                where,
                action=Action.REMEASURE,
                code="undecided",
            )
            continue
        yield _finding(name, decision, change.launches, case)


def _finding(name: str, decision: NoWorseDecision, launches: tuple[int, int], case: Case) -> Outcome:
    where = at(case.candidate_file)
    expected = f"{name} worse by less than {decision.margin:.1%}"
    shown = f"{decision.harm:+.1%} worse [{decision.lower:+.1%}, {decision.upper:+.1%}]"
    if min(launches) < 2:
        shown = f"{decision.harm:+.1%} worse, one launch a side has no interval"
    observed = f"{name}: {shown} on {launches[0]} and {launches[1]} launches: {decision.outcome.replace('_', ' ')}"
    if decision.outcome == "no_worse":
        return info(expected, observed, where, code="no_worse")
    if decision.outcome == "worse":
        advice = "drop this change, or say what it costs and allow a larger margin"
        return fail(expected, observed, advice, where, action=Action.EJECT, code="worse")
    if decision.launches_needed is None:
        advice = "the change lies at the margin: no feasible number of launches would decide"
    else:
        advice = f"measure {decision.launches_needed} launches a side in all, in turns: they would decide"
    return fail(expected, observed, advice, where, action=Action.REMEASURE, code="undecided")


rule = Rule("no_worse", GAINS, ("D01", "D13"), ("lever", "rounds"), check, gate=True, gives=(Severity.FAIL,))
