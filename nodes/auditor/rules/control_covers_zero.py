"""The reference against itself shows no gain: the interval of the A/A control covers 0.

In scope baseline an interval that excludes 0 asks for another control (one in ten honest ones does, at α = 5 % a side).
For a patch it is a caution in the headline, and a FAIL when the control alone "gains" as much as the patch's lower
bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import ComparisonKind


def check(case: Case) -> Iterator[Outcome]:
    plan, measured = case.control.plan, case.control_measured
    where = at(case.control.path("plan.json"))
    if plan is None or measured is None or measured.decision is None:
        yield Unverifiable("rounds of the A/A control", (where,))
        return
    if plan.kind is not ComparisonKind.CONTROL or plan.lever.names():
        yield fail(
            "a control of the reference against itself", f"a {plan.kind.value} with a lever", "run a control", where
        )
        return
    decision = measured.decision
    if decision.n < 2:
        yield Unverifiable("a control of at least two blocks", (where,), Severity.FLAG)
        return
    observed = f"{decision.describe(2)} over {decision.n} blocks"
    if decision.lower <= 0 <= decision.upper:
        yield info("an A/A interval that covers 0", observed, where)
    elif case.scope == "baseline":
        yield flag(
            "an A/A interval that covers 0",
            observed,
            "measure the control again; the legs may not be alike",
            where,
            action=Action.REMEASURE,
            modes=("C07", "D03"),
            code="control_excludes_zero",
        )
    elif _explains(case, decision.mean):
        yield fail(
            "a gain beyond what the reference shows against itself",
            observed,
            "find out what favours the second server (order, port, cores), then measure control and patch again",
            where,
            action=Action.REMEASURE,
            modes=("C07", "D03"),
            code="control_explains_gain",
        )
    else:
        yield flag(
            "an A/A interval that covers 0",
            observed,
            "quote the gain beside the control's",
            where,
            modes=("C07", "D03"),
            code="control_excludes_zero",
        )


def _explains(case: Case, bias: float) -> bool:
    gained = case.measured.decision if case.comparison.plan else None
    return gained is not None and gained.n > 1 and bias > 0 and gained.lower - bias <= math.log1p(case.plan.floor)


rule = Rule("control_covers_zero", COMPARISONS, ("C07", "D03"), ("control",), check)
