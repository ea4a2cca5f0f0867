"""Every number that is reported is the number that raw gives (D06 D14 R01).

Two levels: the figures in each round's record, and in summaries beside it, against its per-request lists, and every
figure of a claim against the whole evidence. Where no plan declares how the gain is worked out, the ratio of medians
and the mean of log ratios both count, to half a point. Tolerances cover definitions, not wishes: throughput and gain to
0.1 %, latencies to 2 % or 0.05 ms, TPOT to 5 % (a record keeps no end-to-end latency). A null is recomputed and
remarked upon. A percentage in the headline is held against the figure that the words around it name: the gain and its
bounds, a latency, the level, the floor.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.latencies import changes
from bankable.nodes.auditor.findings.reported import RATE, agrees, record_findings, wrong
from bankable.nodes.auditor.findings.stated import LATENCIES, LONGEST, Stated, percentages
from bankable.nodes.auditor.measured import FIELDS, find_plan_fault
from bankable.nodes.auditor.reading.claims import StoredClaim
from bankable.nodes.auditor.rule import COMPARISONS, Found, Outcome, Remark, Rule, at
from bankable.tools.evidence.records import Side

POINT = 0.001
"""A gain or bound, as a fraction."""
HALF_POINT = 0.005
"""A gain, as a fraction, where no plan declares how it is computed."""
_FACTOR = re.compile(r"(\d+\.\d+)\s*[x×](?![A-Za-z])")


def check(case: Case) -> Iterator[Outcome]:
    for leg in case.legs:
        yield from record_findings(leg)
    if not case.claims:
        yield Remark("no claim was given; figures are recomputed from raw")
    for claim in case.claims:
        yield from _identity(case, claim)
        for side in Side:
            yield from _figures(case, claim, side)
        yield from _gain(case, claim)


def _identity(case: Case, claim: StoredClaim) -> Iterator[Outcome]:
    """Whether the claim is about this comparison."""
    if claim.record is None or case.planned is None:
        return
    for what, claimed, true in (
        ("comparison", claim.record.comparison, case.planned.name),
        ("run_id", claim.record.run_id, case.planned.run_id),
        ("metric", claim.record.metric, case.planned.metric),
    ):
        if claimed != true:
            yield wrong(f"{what}: {true}", f"{what}: {claimed}", at(claim.file))


def _figures(case: Case, claim: StoredClaim, side: Side) -> Iterator[Outcome]:
    claimed = claim.figures.get(side, {})
    for name in FIELDS:
        metric = case.measured.metric(name)
        true = None if metric is None else getattr(metric, side.value)
        value = claimed.get(name)
        if true is None:
            continue
        if value is None and case.planned is not None:
            yield Remark(f"claim: {side.value}.{name} is null; recomputed as {true:.4f}")
        elif value is not None and not agrees(name, value, true):
            yield wrong(f"{side.value}.{name} = {true:.4f}", f"{side.value}.{name} = {value:.4f}", at(claim.file))


def _gain(case: Case, claim: StoredClaim) -> Iterator[Outcome]:
    if case.planned is None:
        yield from _unplanned_gain(case, claim)
        return
    decision, where, record = case.measured.decision, at(claim.file), claim.record
    if decision is None or record is None or find_plan_fault(case.plan):  # nothing can be held against such a plan
        return
    low, high = decision.gain_interval
    pairs: list[tuple[str, float | None, float]] = (
        [("delta", record.delta, decision.gain)] if decision.has_ratio else []
    )
    if record.interval is not None and decision.n > 1 and decision.has_ratio:
        pairs += [("lower bound", record.interval[0], low), ("upper bound", record.interval[1], high)]
    for name, claimed, true in pairs:
        if claimed is None:
            yield Remark(f"claim: {name} is null; recomputed as {true:+.4%}")
        elif not math.isclose(claimed, true, rel_tol=RATE, abs_tol=POINT):
            yield wrong(f"{name} {true:+.2%}", f"{name} {claimed:+.2%}", where)
    if record.blocks is not None and record.blocks != decision.n:
        yield wrong(f"{decision.n} blocks", f"{record.blocks} blocks", where)
    if record.decision is not None and record.decision != decision.verdict:
        yield wrong(decision.verdict, f"claimed {record.decision}", where)
    if not decision.has_ratio:
        yield from _without_ratio(case, claim)
        return
    yield from _headline(case, claim, (decision.gain, low, high))


def _without_ratio(case: Case, claim: StoredClaim) -> Iterator[Found]:
    """No percentage of goodput is right over a reference that serves (almost) nothing within the limits."""
    stated = [
        each.text for each in percentages(claim.headline[:LONGEST]) if each.about not in (*LATENCIES, "level", "floor")
    ]
    stated += [f"delta {claim.delta:+.1%}"] if claim.delta is not None else []
    if stated:
        decision = case.measured.decision
        shown = decision.describe() if decision is not None else "nothing"
        yield wrong(f"rates and their difference, no percentage: {shown}", f"claimed {stated[0]}", at(claim.file))


def _unplanned_gain(case: Case, claim: StoredClaim) -> Iterator[Outcome]:
    """No declared definition of the gain: either of the two usual ones may be meant."""
    few = case.measured.few
    if few is None:
        return
    usual = (few.gain, few.simple.delta)
    if claim.delta is not None and all(abs(claim.delta - true) > HALF_POINT for true in usual):
        yield wrong(f"gain {few.gain:+.2%}", f"gain {claim.delta:+.2%}", at(claim.file))
    low, high = few.gain_interval
    for stated in percentages(claim.headline[:LONGEST]):
        if stated.about in LATENCIES:
            right = _is_latency(case, stated)
        elif stated.about in ("level", "floor"):
            right = True  # of a plan that is not here
        else:  # a gain, or a bound of another analysis
            value = stated.value / 100.0 * (stated.sign or 1)
            right = low - HALF_POINT <= value <= high + HALF_POINT or any(stated.is_(true) for true in usual)
        if not right:
            yield wrong(f"a gain of {few.gain:+.1%}", f"headline says {stated.text}", at(claim.file))
            return


def _headline(case: Case, claim: StoredClaim, changes_pct: tuple[float, float, float]) -> Iterator[Found]:
    text, where = claim.headline[:LONGEST], at(claim.file)
    for stated in percentages(text):
        if not _true(case, stated, changes_pct):
            expected = f"percentages of this comparison: {100 * changes_pct[0]:+.1f} %"
            yield wrong(expected, f"headline says {stated.text}", where)
            return
    # Isolated figures of operators are checked by ``harness_headline``.
    factors = [1 + changes_pct[0], *(factor for factor in claim.isolated.values() if factor is not None)]
    for match in _FACTOR.finditer(text):
        rounding = 0.5 * 10 ** -len(match[1].partition(".")[2]) + POINT
        if all(abs(float(match[1]) - factor) > rounding for factor in factors):
            yield wrong(f"a factor of {1 + changes_pct[0]:.3f}", f"headline says {match[0]}", where)
            return


def _true(case: Case, stated: Stated, changes_pct: tuple[float, float, float]) -> bool:
    """Whether a percentage is the figure that the words around it name."""
    if stated.about in LATENCIES:
        return _is_latency(case, stated)
    if stated.about == "level" and any(stated.is_(1 - sides * case.plan.alpha) for sides in (1, 2)):
        return True
    if stated.about == "floor" and stated.is_(case.plan.floor):
        return True
    return any(stated.is_(value) for value in changes_pct if math.isfinite(value))


def _is_latency(case: Case, stated: Stated) -> bool:
    metrics = [metric for metric in case.measured.metrics if stated.about in metric.name]
    return any(stated.is_(value, signed=True) for metric in metrics for value in changes(metric))


rule = Rule("reported_vs_raw", COMPARISONS, ("D06", "D14", "R01"), ("lever", "claim", "rounds"), check, gate=True)
