"""Plan and claim agree with themselves and with the launches (D10 D14 D02 R01).

A headline's factors and words for factors are the claimed gain; bounds enclose the gain; figures of a side follow from
each other; limits, levels and looks of the plan are possible and usual. One relation each.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from statistics import median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair, judge_invariants
from bankable.nodes.auditor.measured import METRIC, MOST_LOOKS, find_plan_fault
from bankable.nodes.auditor.rule import GAINS, Outcome, Rule
from bankable.nodes.auditor.rules.clocks import processor_clocks
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import Plan, Side

CLOCK_NOISE, FEWEST_CLOCKS = 0.01, 3
"""Ratio of clocks, less one, that counts as equal; samples of a side below which clocks are not judged."""
USUAL_FLOOR = 0.01
LARGEST_ALPHA = 0.1
LONGEST_HEADLINE = 2000
_FACTOR = re.compile(r"(?<![\w.,])(\d{1,4}(?:[.,]\d{1,4})?)\s?(?:[x×]|times|-fold|fold)(?![A-Za-z0-9])", re.IGNORECASE)
_WORDS = {
    "twice": 2.0,
    "double": 2.0,
    "doubled": 2.0,
    "doubles": 2.0,
    "triple": 3.0,
    "tripled": 3.0,
    "triples": 3.0,
    "thrice": 3.0,
    "quadruple": 4.0,
    "quadrupled": 4.0,
}
_WORD = re.compile(rf"\b({'|'.join(_WORDS)})\b", re.IGNORECASE)
_MILLISECONDS = re.compile(r"(?<![\w.,])(\d{1,7}(?:[.,]\d{1,4})?)\s?(?:ms|milliseconds)\b", re.IGNORECASE)
_RATE = re.compile(r"(\d{1,9}(?:[.,]\d{1,4})?)\s?(?:tok(?:ens)?/s|tokens per second)", re.IGNORECASE)


def _factors(headline: str) -> Iterator[float]:
    text = headline[:LONGEST_HEADLINE]
    for match in _FACTOR.finditer(text):
        yield float(match[1].replace(",", "."))
    for match in _WORD.finditer(text):
        yield _WORDS[match[1].lower()]


def _stated_factors(case: Case) -> Iterator[ValuePair]:
    """Each factor of a headline against the nearest of the factors that the evidence gives."""
    decision = case.measured.gain
    for claim in case.claims:
        known = [factor for factor in claim.isolated.values() if factor is not None]
        known += (
            [1.0 + decision.gain, 1.0 + decision.gain_interval[0], 1.0 + decision.gain_interval[1]] if decision else []
        )
        for metric in case.measured.metrics:
            if metric.delta is not None and metric.delta > -1.0:
                known += [1.0 + metric.delta, 1.0 / (1.0 + metric.delta)]
        usable = [factor for factor in known if math.isfinite(factor) and factor > 0]
        for factor in _factors(claim.headline):
            if usable and factor > 0:
                yield ValuePair(factor, min(usable, key=lambda known: abs(known - factor)), claim.file)


def _stated_rates(case: Case) -> Iterator[ValuePair]:
    """Each absolute rate of a headline against the nearest of the sides' rates."""
    metric = case.measured.metric(METRIC)
    known = [value for value in (metric.reference, metric.candidate) if value] if metric is not None else []
    for claim in case.claims:
        for match in _RATE.finditer(claim.headline[:LONGEST_HEADLINE]):
            text = match[1]
            grouped = re.fullmatch(r"\d{1,3},\d{3}", text)
            rate = float(text.replace(",", "" if grouped else "."))
            known_rates = [*known, *(abs(known[1] - known[0]),)] if len(known) == len(Side) else known
            if known_rates:
                yield ValuePair(rate, min(known_rates, key=lambda value: abs(value - rate)), claim.file)


def _stated_latencies(case: Case) -> Iterator[ValuePair]:
    """Each latency of a headline, in milliseconds, against the nearest limit of the plan or latency of a side."""
    limits = [limit.ms for limit in case.planned.limits] if case.planned is not None else []
    measured = [
        value
        for metric in case.measured.metrics
        if metric.unit == "ms"
        for value in (metric.reference, metric.candidate)
        if value
    ]
    for claim in case.claims:
        for match in _MILLISECONDS.finditer(claim.headline[:LONGEST_HEADLINE]):
            stated = float(match[1].replace(",", "."))
            if (limits or measured) and stated > 0:
                nearest = min([*limits, *measured], key=lambda value: abs(value - stated))
                yield ValuePair(stated, nearest, claim.file)


def _bounds(case: Case) -> Iterator[ValuePair]:
    """The claimed gain inside its own interval: how far it is outside."""
    for claim in case.claims:
        record = claim.record
        if record is None or record.delta is None or record.interval is None:
            continue
        lower, upper = record.interval
        if lower is not None and upper is not None:
            yield ValuePair(max(lower - record.delta, record.delta - upper, 0.0), 0.0, claim.file)


def _beyond_clocks(case: Case) -> Iterator[ValuePair]:
    """The gain left when the candidate's faster clock is taken off, against the floor."""
    decision, plan = case.measured.gain, case.planned
    if plan is None or decision is None or decision.verdict != "real":
        return
    clocks = {side: processor_clocks(case.counted(side)) for side in Side}
    if min(map(len, clocks.values())) < FEWEST_CLOCKS:
        return
    ratio = median(clocks[Side.CANDIDATE]) / median(clocks[Side.REFERENCE])
    if ratio > 1.0 + CLOCK_NOISE:
        yield ValuePair((1.0 + decision.gain) / ratio, 1.0 + plan.floor, case.claim_file)


def _plan(value: Callable[[Plan], tuple[float, float]]) -> Callable[[Case], Iterator[ValuePair]]:
    def read(case: Case) -> Iterator[ValuePair]:
        if case.planned is not None and not find_plan_fault(case.planned):
            yield ValuePair(*value(case.planned), case.plan_file)

    return read


def _looks_in_order(plan: Plan) -> tuple[float, float]:
    looks = plan.looks[: MOST_LOOKS + 1]
    return float(sum(after <= before for before, after in zip((0, *looks), looks, strict=False))), 0.0


def _rounds_listed(case: Case) -> Iterator[ValuePair]:
    """Rounds and seeds that each planned block lists, against the planned number."""
    plan = case.planned
    for block in plan.blocks[:1000] if plan is not None else ():
        yield ValuePair(float(len(block.seeds)), float(plan.rounds_per_leg if plan else 0), case.plan_file)
        for side in Side:
            yield ValuePair(float(block.rounds.count(side)), float(plan.rounds_per_leg if plan else 0), case.plan_file)


def _order_listed(case: Case) -> Iterator[ValuePair]:
    """Both sides in the launch order of each planned block."""
    plan = case.planned
    for block in plan.blocks[:1000] if plan is not None else ():
        yield ValuePair(float(len(set(block.order))), 2.0, case.plan_file)


def _claimed_blocks(case: Case) -> Iterator[ValuePair]:
    for claim in case.claims:
        if claim.record is not None and claim.record.blocks is not None and case.planned is not None:
            yield ValuePair(float(claim.record.blocks), float(len(case.blocks)), claim.file)


def _request_rate(case: Case) -> Iterator[ValuePair]:
    """Output rate over request rate of a side: tokens of a mean answer, against what the plan asks for at most."""
    plan = case.planned
    if plan is None or plan.workload.dataset != "random-ids":
        return
    for claim in case.claims:
        for figures in claim.figures.values():
            output, requests = figures.get("output_throughput"), figures.get("request_throughput")
            if output is not None and requests is not None and requests > 0:
                yield ValuePair(output / requests, float(plan.workload.output_len), claim.file)


def _percentiles(center: str, tail: str) -> Callable[[Case], Iterator[ValuePair]]:
    def read(case: Case) -> Iterator[ValuePair]:
        for claim in case.claims:
            for figures in claim.figures.values():
                middle, high = figures.get(center), figures.get(tail)
                if middle is not None and high is not None:
                    yield ValuePair(middle, high, claim.file)

    return read


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="factor_in_headline",
        left="claim.json: a factor in the headline (3x, twice)",
        relation=Relation.EQUAL,
        right="the nearest factor that the rounds give, or an isolated speed-up",
        tolerance=0.03,
        reason="one decimal of rounding",
        mode="D14",
        read=_stated_factors,
    ),
    Invariant(
        id="rate_in_headline",
        left="claim.json: an absolute rate in the headline",
        relation=Relation.EQUAL,
        right="the nearest rate of a side, or their difference",
        tolerance=0.02,
        reason="rounding to whole numbers",
        mode="D14",
        read=_stated_rates,
    ),
    Invariant(
        id="latency_in_headline",
        left="claim.json: milliseconds in the headline",
        relation=Relation.EQUAL,
        right="the nearest limit of plan.json, or latency of a side",
        tolerance=0.05,
        reason="rounding; a limit that the plan does not have was chosen afterwards",
        mode="D14",
        read=_stated_latencies,
    ),
    Invariant(
        id="gain_in_bounds",
        left="claim.json: distance of delta from interval",
        relation=Relation.SAME,
        right="none",
        tolerance=1e-6,
        reason="both come from one decision",
        mode="D14",
        read=_bounds,
    ),
    Invariant(
        id="gain_beyond_clocks",
        left="claim.json: 1 + delta, over the ratio of both sides' processor clocks",
        relation=Relation.AT_LEAST,
        right="plan.json: 1 + floor",
        tolerance=0.0,
        reason="what a faster clock explains is no gain; ratios within 1 % are noise of the clocks",
        mode="C15",
        read=_beyond_clocks,
        severity=Severity.FLAG,
        action=Action.REMEASURE,
        advice="lock the clocks, and measure both legs again",
    ),
    Invariant(
        id="claimed_blocks",
        left="claim.json: blocks",
        relation=Relation.AT_MOST,
        right="legs: complete blocks",
        tolerance=0.0,
        reason="a count",
        mode="D11",
        read=_claimed_blocks,
    ),
    Invariant(
        id="claimed_answer_length",
        left="claim.json: output_throughput / request_throughput of a side",
        relation=Relation.AT_MOST,
        right="plan.json: workload.output_len",
        tolerance=0.02,
        reason="both are medians, so their ratio is a mean answer to a percent",
        mode="D14",
        read=_request_rate,
    ),
    Invariant(
        id="claimed_ttft_order",
        left="claim.json: median_ttft_ms",
        relation=Relation.AT_MOST,
        right="claim.json: p99_ttft_ms",
        tolerance=1e-9,
        reason="a median is no higher than a 99th percentile, and so are medians of them",
        mode="D14",
        read=_percentiles("median_ttft_ms", "p99_ttft_ms"),
    ),
    Invariant(
        id="claimed_itl_order",
        left="claim.json: median_itl_ms",
        relation=Relation.AT_MOST,
        right="claim.json: p99_itl_ms",
        tolerance=1e-9,
        reason="a median is no higher than a 99th percentile, and so are medians of them",
        mode="D14",
        read=_percentiles("median_itl_ms", "p99_itl_ms"),
    ),
    Invariant(
        id="usual_floor",
        left="plan.json: floor",
        relation=Relation.AT_LEAST,
        right="1 %",
        tolerance=1e-9,
        reason="a smaller floor has to be stated beside the gain",
        mode="D10",
        read=_plan(lambda plan: (plan.floor, USUAL_FLOOR)),
        severity=Severity.FLAG,
        action=Action.FLAG,
        advice="state the floor in the headline, or plan with the usual one",
    ),
    Invariant(
        id="looks_in_order",
        left="plan.json: looks that do not exceed the one before",
        relation=Relation.SAME,
        right="none",
        tolerance=0.0,
        reason="a look comes after more blocks",
        mode="D10",
        read=_plan(_looks_in_order),
    ),
    Invariant(
        id="blocks_of_looks",
        left="plan.json: the last look",
        relation=Relation.AT_MOST,
        right="plan.json: number of blocks",
        tolerance=0.0,
        reason="every look's blocks are planned",
        mode="D10",
        read=_plan(lambda plan: (float(max(plan.looks, default=0)), float(len(plan.blocks)))),
    ),
    Invariant(
        id="largest_level",
        left="plan.json: alpha",
        relation=Relation.AT_MOST,
        right="10 %",
        tolerance=0.0,
        reason="the usual level is 5 % over all looks",
        mode="D10",
        read=_plan(lambda plan: (plan.alpha, LARGEST_ALPHA)),
    ),
    Invariant(
        id="planned_rounds",
        left="plan.json: rounds and seeds that a block lists for a side",
        relation=Relation.EQUAL,
        right="plan.json: rounds_per_leg",
        tolerance=0.0,
        reason="a count",
        mode="D11",
        read=_rounds_listed,
    ),
    Invariant(
        id="planned_sides",
        left="plan.json: sides in the launch order of a block",
        relation=Relation.EQUAL,
        right="two",
        tolerance=0.0,
        reason="each block launches both",
        mode="D02",
        read=_order_listed,
    ),
)


def check(case: Case) -> Iterator[Outcome]:
    return judge_invariants(INVARIANTS, case)


rule = Rule("invariants_claims", GAINS, ("D10", "D14", "D11", "D02", "C15"), ("lever", "rounds"), check)
"""In scope baseline no gain is claimed; its plan is judged by the other rules."""
