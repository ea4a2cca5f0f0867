"""The gain stays significant after adjusting for every other confirmation of the run (D09).

    p = P(T > (d̄ − δ₀)·√n / s_d) · 0.05 / α        α: level of a look, so that p is on the scale of the whole comparison

Holm's step-down over the family: all comparisons of this kind that the run's ledger names. The own p comes from raw;
that of another comparison from its plan and claim, and only where it claims a real gain, else it counts as 1 (it was
tried). The sign-flip p keeps its own gate in ``real_delta``: at five blocks its floor of 2⁻⁵ could not carry a factor.
Of goodput, d̄ − δ₀ and s_d are those of the rate beyond the floor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.measured import level
from bankable.nodes.auditor.reading.reported import ReportedClaim
from bankable.nodes.auditor.reading.sealed import TrialView
from bankable.nodes.auditor.rule import GAINS, NotApplicable, Outcome, Rule, Unverifiable, at, fail, info
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import GOODPUT, Plan
from bankable.tools.statistics.holm import confirmation_p, holm
from bankable.tools.statistics.paired import Decision
from bankable.tools.statistics.rates import RateDecision
from bankable.tools.statistics.student import t_quantile

LEVEL = 0.05
LEAST_ALPHA = 1e-9
"""A level below which bounds give no information about the spread."""
MOST_ALPHA, MOST_BLOCKS = 0.5, 10_000
"""Claims beyond these are taken as no claim."""


def check(case: Case) -> Iterator[Outcome]:
    decision, where = case.measured.decision, at("ledger.jsonl")
    if decision is None or decision.sd is None:
        yield NotApplicable("no gain with an interval to adjust")
        return
    unknown = [trial.name for trial in case.view.trials if trial.plan is None]
    if unknown:
        yield Unverifiable(f"plans of {', '.join(unknown[:5])}, which the ledger names", (where,))
        return
    others = [
        trial
        for trial in case.view.trials
        if trial.plan is not None and trial.plan.kind is case.plan.kind and trial.name != case.request.comparison
    ]
    own = _own_p(decision, decision.sd, case.plan)
    adjusted = holm([own, *map(_claimed_p, others)], LEVEL)
    observed = f"p {own:.2g}, adjusted {adjusted.adjusted[0]:.2g} over {1 + len(others)} confirmations"
    if adjusted.rejected[0] or decision.verdict != "real":
        yield info(
            "a gain that stays significant after adjusting for all confirmations", observed, where, at(case.plan_file)
        )
    else:
        yield fail(
            f"an adjusted p of at most {LEVEL:g}",
            observed,
            "confirm this lever again under a plan with more, fresh blocks: the best of many trials is partly luck",
            where,
            at(case.plan_file),
            action=Action.REMEASURE,
            code="best_of_many",
        )


def _own_p(decision: Decision, sd: float, plan: Plan) -> float:
    if isinstance(decision, RateDecision):  # the floor is in its excess already
        return confirmation_p(decision.excess, decision.excess_sd or 0.0, decision.n, level(plan), 0.0)
    return confirmation_p(decision.mean, sd, decision.n, level(plan), plan.floor)


def _claimed_p(trial: TrialView) -> float:
    """p-value from a claim; 1 without a claimed real gain with plausible figures."""
    plan, claim = trial.plan, trial.claim
    if plan is None or claim is None or claim.decision != "real":
        return 1.0
    if plan.metric == GOODPUT:
        return _claimed_rate_p(plan, claim)
    if claim.interval is None:
        return 1.0
    delta, lower, blocks = claim.delta, claim.interval[0], claim.blocks
    if delta is None or lower is None or blocks is None or not (-1 < lower < delta) or not 1 < blocks < MOST_BLOCKS:
        return 1.0
    half, alpha = math.log1p(delta) - math.log1p(lower), level(plan)
    if not LEAST_ALPHA < alpha < MOST_ALPHA:
        return 1.0
    sd = half * math.sqrt(blocks) / t_quantile(1.0 - alpha, blocks - 1) if half > 0 else 0.0
    return confirmation_p(math.log1p(delta), sd, blocks, alpha, plan.floor) if math.isfinite(sd) else 1.0


def _claimed_rate_p(plan: Plan, claim: ReportedClaim) -> float:
    """The same from the claimed difference of two goodputs; its spread stands for that of the excess."""
    service, blocks, alpha = claim.service, claim.blocks, level(plan)
    before = service.reference.goodput if service is not None and service.reference is not None else None
    if service is None or service.difference is None or service.difference_interval is None or before is None:
        return 1.0
    lower = service.difference_interval[0]
    if lower is None or blocks is None or not 1 < blocks < MOST_BLOCKS or not LEAST_ALPHA < alpha < MOST_ALPHA:
        return 1.0
    sd = max(0.0, service.difference - lower) * math.sqrt(blocks) / t_quantile(1.0 - alpha, blocks - 1)
    excess = service.difference - plan.floor * before
    usable = math.isfinite(sd) and math.isfinite(excess)
    return confirmation_p(excess, sd, blocks, alpha, 0.0) if usable else 1.0


rule = Rule(
    "all_confirmations",
    GAINS,
    ("D09",),
    ("plan", "rounds", "ledger"),
    check,
    missing=Severity.FLAG,
    gives=(Severity.FAIL,),
)
