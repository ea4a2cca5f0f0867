"""Goodput and attainment are those of every request that was sent, under limits that stood in the plan (D10 D14 R01).

From the per-request lists, per launch: good requests over the time of its timed rounds. A failed or missing request was
sent and is not good. Each figure of the claim must match within 0.1 %. The limits are those of the plan, and one set
for the whole run: limits that a claim brings along, or that differ between comparisons, may have been chosen by the
result. Where lengths are fixed, a request counts for the candidate only with an answer as long as the reference's to
the same prompt (Q07): a truncated answer meets any end-to-end limit. A headline with a goodput names the limits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.reported import RATE, wrong
from bankable.nodes.auditor.measured import find_rates
from bankable.nodes.auditor.measured import level as level_of
from bankable.nodes.auditor.reading.claims import StoredClaim
from bankable.nodes.auditor.reading.reported import ReportedLevel, ReportedService
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.rule import (
    COMPARISONS,
    Found,
    NotApplicable,
    Outcome,
    Remark,
    Rule,
    Unverifiable,
    at,
    fail,
    flag,
    info,
)
from bankable.nodes.auditor.service import SideService, is_good
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.records import GOODPUT, Limit, Plan, Side, describe_limits
from bankable.tools.statistics.guards import decide_levels
from bankable.tools.statistics.rates import RateDecision

SHARE = 0.001
"""Tolerance of a share of requests."""
SHORT = 0.01
"""Good requests of the candidate with a cut answer, as a share of its good ones."""
LONGEST = 2000
_RATES = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*(?:→|->)\s*(\d{1,9}(?:\.\d{1,6})?)\s*req/s")


def check(case: Case) -> Iterator[Outcome]:
    plan = case.planned
    if plan is None or not plan.limits:
        yield from _unplanned(case)
        return
    yield from _one_set(case, plan)
    service, where = case.measured.service, at(case.comparison.path("legs"))
    if service is None:
        yield Unverifiable("every request of each round, to hold against the limits", (where,))
        return
    for claim in case.claims:
        yield from _claimed(case, plan, claim)
    if case.scope != "baseline":
        yield from _cut_answers(case, plan)
    shown = "; ".join(f"{side.value}: {_describe(service[side], plan.limits)}" for side in Side)
    yield info(f"requests {describe_limits(plan.limits)}", shown, where, code="attainment")


def _unplanned(case: Case) -> Iterator[Outcome]:
    """A goodput is claimed although no plan declares limits."""
    for claim in case.claims:
        limits = claim.record.service.limits if claim.record is not None and claim.record.service is not None else ()
        if case.planned is not None and (limits or (claim.record is not None and claim.record.metric == GOODPUT)):
            named = describe_limits(limits) or "a goodput"
            yield _chosen("no goodput, since the plan declares no latency limits", f"claimed {named}", claim.file)
            return
    yield NotApplicable("no latency limits were declared")


def _one_set(case: Case, plan: Plan) -> Iterator[Found]:
    """Every comparison of the run has the same limits."""
    for trial in case.view.trials:
        if trial.plan is not None and trial.plan.limits != plan.limits:
            yield _chosen(
                f"one set of limits in the whole run: {describe_limits(plan.limits)}",
                f"{trial.name}: {describe_limits(trial.plan.limits) or 'none'}",
                case.plan_file,
            )
            return


def _claimed(case: Case, plan: Plan, claim: StoredClaim) -> Iterator[Outcome]:
    record, service = claim.record, case.measured.service
    if record is None or service is None:
        return
    stated = record.service
    if stated is None:
        yield Remark("claim: goodput and attainment are not stated; recomputed from raw")
    else:
        if stated.limits != plan.limits:
            expected, observed = describe_limits(plan.limits), describe_limits(stated.limits) or "no limits"
            yield _chosen(f"the limits of the plan: {expected}", f"claimed {observed}", claim.file)
        for side, level in ((Side.REFERENCE, stated.reference), (Side.CANDIDATE, stated.candidate)):
            yield from _side(side, level, service[side], plan.limits, claim.file)
        yield from _difference(case, stated, claim.file)
    yield from _headline(case, plan, claim)


def _side(
    side: Side, stated: ReportedLevel | None, true: SideService, limits: tuple[Limit, ...], file: str
) -> Iterator[Outcome]:
    if stated is None:
        return
    pairs = [("goodput", stated.goodput, true.goodput, 0.0), ("attainment", stated.attainment, true.attainment, SHARE)]
    pairs += [(f"within {limit.key}", stated.by_limit.get(limit.key), true.share(limit.key), SHARE) for limit in limits]
    for name, claimed, value, slack in pairs:
        if claimed is not None and not math.isclose(claimed, value, rel_tol=RATE, abs_tol=max(slack, 1e-9)):
            yield wrong(f"{side.value}: {name} {value:.4f} of all requests", f"claimed {claimed:.4f}", at(file))


def _difference(case: Case, stated: ReportedService, file: str) -> Iterator[Outcome]:
    decision = find_goodput_decision(case)
    if decision is None:
        return
    pairs = [("mean", stated.difference, decision.difference)]
    if stated.difference_interval is not None and decision.difference_interval is not None:
        low, high = decision.difference_interval
        pairs += [
            ("lower bound", stated.difference_interval[0], low),
            ("upper bound", stated.difference_interval[1], high),
        ]
    scale = max(decision.reference, decision.candidate)
    for name, claimed, value in pairs:
        if claimed is not None and not math.isclose(claimed, value, rel_tol=RATE, abs_tol=RATE * scale + 1e-9):
            yield wrong(
                f"difference of the goodputs: {name} {value:+.4f} req/s", f"claimed {claimed:+.4f} req/s", at(file)
            )


def find_goodput_decision(case: Case) -> RateDecision | None:
    """The comparison of both goodputs, whatever decides."""
    service = case.measured.service
    if service is None or case.planned is None:
        return None
    decision = case.measured.decision
    if isinstance(decision, RateDecision):
        return decision
    own = decide_levels(find_rates(service), level_of(case.planned), case.planned.floor, None)
    return own if isinstance(own, RateDecision) else None


def _headline(case: Case, plan: Plan, claim: StoredClaim) -> Iterator[Found]:
    """A headline about goodput gives the rates that raw gives, and the limits of the plan."""
    text, service = claim.headline[:LONGEST], case.measured.service
    if service is None or GOODPUT not in text.lower():
        return
    true = tuple(service[side].goodput for side in Side)
    for match in _RATES.finditer(text):
        stated = float(match[1]), float(match[2])
        if any(abs(value - rate) > 0.005 + RATE * rate for value, rate in zip(stated, true, strict=True)):
            yield wrong(f"{true[0]:.2f} → {true[1]:.2f} req/s", f"headline says {match[0]}", at(claim.file))
    if describe_limits(plan.limits) not in text:
        yield flag(
            f"the limits beside a goodput: {describe_limits(plan.limits)}",
            f"headline: {text[:200]}",
            "name every limit of the plan in the headline",
            at(claim.file),
            action=Action.DOWNGRADE_HEADLINE,
            modes=("D14",),
            code="limits_not_named",
        )


def _cut_answers(case: Case, plan: Plan) -> Iterator[Found]:
    """Good requests of the candidate whose answer is shorter than the reference's to the same prompt."""
    if plan.workload.dataset != "random-ids":
        return  # answers of texts end by themselves: their lengths are judged by ``answers_of_rounds``
    good = cut = 0
    where = None
    for block in case.blocks:
        for left, right in zip(block.reference.rows, block.candidate.rows, strict=False):
            both = _count_cut(left, right, plan.limits)
            if both is None:
                continue
            good, cut = good + both[0], cut + both[1]
            if both[1] and where is None:
                where = at(block.candidate.path("bench_runs.jsonl"), right.line)
    if where is not None and cut > SHORT * good:
        yield fail(
            "good requests with whole answers",
            f"{cut} of {good} good requests of the candidate have a shorter answer than the reference's",
            "ask for fixed lengths and ignore end-of-text: a truncated answer meets any end-to-end limit",
            where,
            modes=("Q07",),
            code="cut_answers",
        )


def _count_cut(left: BenchRound, right: BenchRound, limits: tuple[Limit, ...]) -> tuple[int, int] | None:
    """Good requests of the right round, and those of them that are cut; ``None`` where requests cannot be paired."""
    same = left.stamp and right.stamp and left.stamp.request_digest == right.stamp.request_digest
    if not same or right.times is None or len(left.output_lens) != len(right.output_lens):
        return None
    answered = [index for index, tokens in enumerate(right.output_lens) if tokens > 0]
    if len(answered) != len(right.times.tokens):
        return None  # failed requests with tokens: counted elsewhere
    good = [index for place, index in enumerate(answered) if is_good(right.times, place, limits)]
    return len(good), sum(right.output_lens[index] < left.output_lens[index] for index in good)


def _describe(service: SideService, limits: tuple[Limit, ...]) -> str:
    shares = ", ".join(f"{limit.text()}: {service.share(limit.key):.1%}" for limit in limits)
    return f"{service.goodput:.3f} good requests/s, {service.attainment:.1%} of those sent ({shares})"


def _chosen(expected: str, observed: str, file: str) -> Found:
    return fail(
        expected[:400],
        observed[:400],
        "write the limits into the plan before the first launch, and measure fresh blocks under it",
        at(file),
        action=Action.REMEASURE,
        modes=("D10",),
        code="limits_not_planned",
    )


rule = Rule("service_level", COMPARISONS, ("D10", "D14", "R01", "Q07"), ("lever", "rounds"), check)
