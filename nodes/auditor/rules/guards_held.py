"""No guarded figure got worse by more than the margin that the plan allows (D13 D14 R01 D10).

    h = harm of a block, L, U = h̄ ∓ t(1−α, n−1) · sd(h) / √n      held: U < margin. broken: L > margin.

Each guard is recomputed from the per-request lists with an interval over launches of its own. A broken one is a FAIL,
an undecided one too, and it says how many more blocks would decide; an operator that is stacked decides it in the
bundle. Guards are those of the plan, and the same in every plan of the run: one that is dropped where it would break
guards nothing. The claim's outcomes are the recomputed ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.reported import RATE, wrong
from bankable.nodes.auditor.reading.claims import StoredClaim
from bankable.nodes.auditor.rule import GAINS, Found, NotApplicable, Outcome, Remark, Rule, at, fail, flag, info
from bankable.nodes.auditor.stacking import may_stack
from bankable.nodes.auditor.verdict import Action
from bankable.tools.statistics.guards import GuardDecision

POINT = 0.001
"""Tolerance of a harm, as a fraction."""


def check(case: Case) -> Iterator[Outcome]:
    plan = case.planned
    stated = [claim for claim in case.claims if claim.record is not None and claim.record.guards]
    if plan is None:
        yield NotApplicable("no plan declares guards")
        return
    for trial in case.view.trials:
        if trial.plan is not None and trial.plan.guards != plan.guards:
            yield _changed("the same guards in every plan of the run", f"other guards in {trial.name}", case.plan_file)
            break
    if not plan.guards:
        if stated:
            yield _changed("no guards, since the plan declares none", "guards in the claim", stated[0].file)
        yield NotApplicable("no guards were declared")
        return
    decisions = case.measured.judge_guards(plan)
    for decision in decisions:
        yield _finding(case, decision)
    for claim in case.claims:
        yield from _claimed(claim, decisions)


def _finding(case: Case, decision: GuardDecision) -> Outcome:
    where, expected = at(case.candidate_file), f"{decision.metric} worse by less than {decision.margin:.1%}"
    if decision.outcome == "held":
        return info(expected, decision.describe(), where, code="guard_held")
    if decision.outcome == "broken":
        advice = "drop this change, or say what it costs and allow more in a new plan"
        return fail(expected, decision.describe(), advice, where, modes=("D13",), code="guard_broken")
    more = decision.more_blocks_needed
    if may_stack(case):
        advice = "decide it in the bundle's validation, where this operator is measured with the others"
        action = Action.STACK
        return flag(expected, decision.describe(), advice, where, action=action, modes=("D13",), code="guard_undecided")
    need = "no feasible number of blocks would" if more is None else f"about {more} more blocks would"
    return fail(
        expected,
        decision.describe(),
        f"{need} decide this; declare them in a new plan and measure fresh blocks",
        where,
        action=Action.REMEASURE,
        modes=("D13",),
        code="guard_undecided",
    )


def _claimed(claim: StoredClaim, decisions: Sequence[GuardDecision]) -> Iterator[Outcome]:
    if claim.record is None:
        return
    stated = {guard.metric: guard for guard in claim.record.guards}
    unknown = sorted(str(name) for name in stated.keys() - {decision.metric for decision in decisions})
    if unknown:
        yield _changed("the guards of the plan", f"claimed {', '.join(unknown)[:200]}", claim.file)
    for decision in decisions:
        guard = stated.get(decision.metric)
        if guard is None:
            yield Remark(f"claim: guard {decision.metric} is not stated; recomputed as {decision.outcome}")
            continue
        if guard.margin is not None and not math.isclose(guard.margin, decision.margin, rel_tol=1e-9):
            yield _changed(
                f"{decision.metric}: a margin of {decision.margin:g}", f"claimed {guard.margin:g}", claim.file
            )
        if guard.outcome is not None and guard.outcome != decision.outcome:
            yield wrong(f"guard {decision.describe()}", f"claimed {guard.outcome}", at(claim.file))
        harm = decision.harm
        if (
            guard.harm is not None
            and harm is not None
            and not math.isclose(guard.harm, harm, rel_tol=RATE, abs_tol=POINT)
        ):
            yield wrong(f"{decision.metric} {harm:+.2%} worse", f"claimed {guard.harm:+.2%}", at(claim.file))
        for name, bound, true in zip(("lower", "upper"), guard.interval or (), decision.interval or (), strict=False):
            if bound is not None and not math.isclose(bound, true, rel_tol=RATE, abs_tol=POINT):
                yield wrong(f"{decision.metric}: {name} bound {true:+.2%}", f"claimed {bound:+.2%}", at(claim.file))


def _changed(expected: str, observed: str, file: str) -> Found:
    return fail(
        expected,
        observed,
        "declare the guards before the first launch, for the whole run",
        at(file),
        action=Action.REMEASURE,
        modes=("D10",),
        code="guards_not_planned",
    )


rule = Rule("guards_held", GAINS, ("D13", "D14", "R01", "D10"), ("lever", "rounds"), check, gate=True)
