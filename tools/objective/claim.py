"""The claim of a comparison: what its deciding look says, in one record and one sentence."""

from __future__ import annotations

from collections.abc import Mapping

from bankable.tools.evidence.records import (
    GOODPUT,
    REQUEST_SPEED,
    BenchRun,
    Claim,
    LatencySummary,
    Plan,
    Side,
    describe_limits,
)
from bankable.tools.objective.judging import ComparisonJudgment, claim_guards, claim_service

NAMES = {
    "output_throughput": "output throughput",
    GOODPUT: "goodput",
    REQUEST_SPEED: "request speed, 1 / median e2e latency,",
}
"""Deciding figures in a headline."""


def make_claim(
    plan: Plan,
    judgment: ComparisonJudgment,
    rounds: dict[Side, list[list[BenchRun]]],
    sides: Mapping[Side, LatencySummary],
    isolated: Mapping[str, float],
) -> Claim:
    """The claim of the deciding look. ``sides``: figures of both sides; ``isolated``: speed-ups of operators alone."""
    decision = judgment.decision
    ratio = decision.has_ratio
    return Claim(
        comparison=plan.name,
        run_id=plan.run_id,
        lever=plan.lever,
        metric=plan.metric,
        reference=sides[Side.REFERENCE],
        candidate=sides[Side.CANDIDATE],
        delta=decision.gain if ratio else None,
        interval=decision.gain_interval if ratio else None,
        blocks=decision.n,
        decision=decision.verdict,
        isolated=dict(isolated),
        headline=describe_result(plan, judgment),
        service=claim_service(plan, rounds),
        guards=claim_guards(plan, judgment.guards),
    )


def describe_result(plan: Plan, judgment: ComparisonJudgment) -> str:
    """``lever: output throughput +4.2% [+1.9%, +6.4%] over 5 blocks``, with the limits and guards of the plan."""
    what, decision = plan.lever.text() or "no change", judgment.decision
    counted = GOODPUT in (plan.metric, *(guard.metric for guard in plan.guards))
    limits = f" ({describe_limits(plan.limits)})" if counted else ""
    span = decision.describe()
    if decision.n == 1 and decision.has_ratio:  # bounds of one block are infinite, and were always printed
        low, high = decision.gain_interval
        span = f"{decision.gain:+.1%} [{low:+.1%}, {high:+.1%}]"
    guards = describe_guards(judgment)
    return f"{what}: {NAMES.get(plan.metric, plan.metric)} {span}{limits} over {decision.n} blocks{guards}"


def describe_guards(judgment: ComparisonJudgment) -> str:
    """Outcomes of the guards for the end of a headline; empty without any. Their figures stand in the claim."""
    parts = []
    for outcome in ("held", "broken", "undecided"):
        names = [guard.metric for guard in judgment.guards if guard.outcome == outcome]
        if names:
            parts.append(f"{outcome}: {', '.join(names)}")
    return f"; guards {'; '.join(parts)}" if parts else ""
