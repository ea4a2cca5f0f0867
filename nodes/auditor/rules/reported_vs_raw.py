"""Every number that is reported is the number that raw gives (D06 D14 R01).

Two levels: the figures in each round's record against its per-request lists, and every figure of the claim against the
whole evidence. Tolerances cover definitions, not wishes: throughput and gain to 0.1 %, latencies to 2 % or 0.05 ms,
TPOT to 5 % (a record keeps no end-to-end latency). A null is recomputed and remarked upon. A percentage in the headline
is held against the figure that the words around it name: the gain and its bounds, a latency, the level, the floor.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.latencies import changes
from bankable.nodes.auditor.findings.reported import RATE, agrees, record_findings, wrong
from bankable.nodes.auditor.findings.stated import LATENCIES, LONGEST, Stated, percentages
from bankable.nodes.auditor.measured import FIELDS
from bankable.nodes.auditor.rule import COMPARISONS, Found, Outcome, Remark, Rule, at
from bankable.nodes.auditor.verdict import Evidence

POINT = 0.001
"""A gain or bound, as a fraction."""
_FACTOR = re.compile(r"(\d+\.\d+)\s*[x×](?![A-Za-z])")


def check(case: Case) -> Iterator[Outcome]:
    for leg in case.legs:
        yield from record_findings(leg)
    claim, where = case.claim, at(case.claim_file)
    for what, claimed, true in (
        ("comparison", claim.comparison, case.plan.name),
        ("run_id", claim.run_id, case.plan.run_id),
        ("metric", claim.metric, case.plan.metric),
    ):
        if claimed != true:
            yield wrong(f"{what}: {true}", f"{what}: {claimed}", where)
    for side in ("reference", "candidate"):
        yield from _figures(case, side, where)
    yield from _gain(case, where)


def _figures(case: Case, side: str, where: Evidence) -> Iterator[Outcome]:
    claimed: dict[str, float | None] = getattr(case.claim, side)
    for name in FIELDS:
        metric = case.measured.metric(name)
        true = None if metric is None else getattr(metric, side)
        value = claimed.get(name)
        if true is None:
            continue
        if value is None:
            yield Remark(f"claim: {side}.{name} is null; recomputed as {true:.4f}")
        elif not agrees(name, value, true):
            yield wrong(f"{side}.{name} = {true:.4f}", f"{side}.{name} = {value:.4f}", where)


def _gain(case: Case, where: Evidence) -> Iterator[Outcome]:
    decision, claim = case.measured.decision, case.claim
    if decision is None:
        return
    low, high = decision.gain_interval
    pairs: list[tuple[str, float | None, float]] = [("delta", claim.delta, decision.gain)]
    if claim.interval is not None and decision.n > 1:
        pairs += [("lower bound", claim.interval[0], low), ("upper bound", claim.interval[1], high)]
    for name, claimed, true in pairs:
        if claimed is None:
            yield Remark(f"claim: {name} is null; recomputed as {true:+.4%}")
        elif not math.isclose(claimed, true, rel_tol=RATE, abs_tol=POINT):
            yield wrong(f"{name} {true:+.2%}", f"{name} {claimed:+.2%}", where)
    if claim.blocks is not None and claim.blocks != decision.n:
        yield wrong(f"{decision.n} blocks", f"{claim.blocks} blocks", where)
    if claim.decision is not None and claim.decision != decision.verdict:
        yield wrong(decision.verdict, f"claimed {claim.decision}", where)
    yield from _headline(case, (decision.gain, low, high), where)


def _headline(case: Case, known: tuple[float, float, float], where: Evidence) -> Iterator[Found]:
    text = case.claim.headline[:LONGEST]
    for stated in percentages(text):
        if not _true(case, stated, known):
            expected = f"percentages of this comparison: {100 * known[0]:+.1f} %"
            yield wrong(expected, f"headline says {stated.text}", where)
            return
    # Isolated figures of operators are asked for by ``harness_headline``.
    factors = [1 + known[0], *(said for said in case.claim.isolated.values() if said is not None)]
    for match in _FACTOR.finditer(text):
        rounding = 0.5 * 10 ** -len(match[1].partition(".")[2]) + POINT
        if all(abs(float(match[1]) - factor) > rounding for factor in factors):
            yield wrong(f"a factor of {1 + known[0]:.3f}", f"headline says {match[0]}", where)
            return


def _true(case: Case, stated: Stated, known: tuple[float, float, float]) -> bool:
    """Say whether a percentage is the figure that the words around it name."""
    if stated.about in LATENCIES:
        found = [metric for metric in case.measured.metrics if stated.about in metric.name]
        return any(stated.is_(value, signed=True) for metric in found for value in changes(metric))
    if stated.about == "level" and any(stated.is_(1 - sides * case.plan.alpha) for sides in (1, 2)):
        return True
    if stated.about == "floor" and stated.is_(case.plan.floor):
        return True
    return any(stated.is_(value) for value in known if math.isfinite(value))


rule = Rule("reported_vs_raw", COMPARISONS, ("D06", "D14", "R01"), ("plan", "claim", "rounds"), check, gate=True)
