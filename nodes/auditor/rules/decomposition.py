"""The gain of a bundle is the sum of what its levers gave, one on top of the other (A04 D12).

    Σ log(1 + gainᵢ) against log(1 + gain of the bundle), within twice their combined bounds and the floor

Each accepted patch was measured on top of the patches before it: these are the intermediate legs. Gains are taken from
the verdicts, which recomputed them. What the parts leave open is shown as an interaction, and beyond the tolerance it
belongs into the headline. Percentages over different baselines are never added: a claim that does so is contradicted by
the pair of throughputs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.credit import Decomposition, decompose
from bankable.nodes.auditor.rule import NotApplicable, Outcome, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action, Severity

WIDER = 2.0
"""How much wider than the bounds the tolerance is: both bounds are one-sided 95 % ones."""
POINTS = 0.0015
"""Rounding of a stated percentage, as a fraction."""
APART = 0.01
_STATED = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:%|percent(?:age points)?|points|pp)")


def check(case: Case) -> Iterator[Outcome]:
    decomposed, where = decompose(case), at("components")
    if decomposed is None:
        yield NotApplicable("no gain to decompose")
        return
    yield from _check_sum(case)
    unknown = [part.basis for part in decomposed.parts if part.gain is None or part.interval is None]
    if unknown:
        yield Unverifiable(f"recomputed gain and interval of {', '.join(unknown[:5])}", (where,), Severity.FLAG)
    elif not decomposed.chain:
        yield flag(
            "parts measured one on top of the other, from the bundle's baseline",
            _describe(decomposed),
            "quote the bundle's gain as a whole; its parts were measured elsewhere",
            where,
            action=Action.DOWNGRADE_HEADLINE,
            modes=("A04",),
            code="no_chain",
        )
    elif abs(decomposed.remainder) > max(WIDER * decomposed.uncertainty, math.log1p(case.plan.floor)):
        yield flag(
            "parts that add up to the whole",
            _describe(decomposed),
            "report the interaction beside the parts; no lever alone gives this",
            where,
            at(case.plan_file),
            action=Action.DOWNGRADE_HEADLINE,
            modes=("A04",),
            code="parts_do_not_add_up",
        )
    else:
        yield info("parts that add up to the whole", _describe(decomposed), where)


def _check_sum(case: Case) -> Iterator[Outcome]:
    """A stated gain that is the plain sum of the parts' percentages."""
    gains = [
        component.claim.delta
        for component in case.view.components
        if component.claim is not None and component.claim.delta is not None
    ]
    decision, claim = case.measured.decision, case.comparison.claim
    if len(gains) < 2 or decision is None or claim is None or not math.isfinite(decision.gain):
        return
    total = math.fsum(gains)
    stated = [float(match[1]) / 100.0 for match in _STATED.finditer(claim.headline[:2000])]
    stated += [claim.delta] if claim.delta is not None else []
    if abs(total - decision.gain) > APART and any(abs(value - total) <= POINTS for value in stated):
        yield fail(
            f"the ratio of two throughputs: {decision.gain:+.1%}",
            f"{total:+.1%}, the sum of {len(gains)} percentages",
            "quote the throughput of bundle and true baseline; percentages over different baselines do not add",
            at(case.claim_file),
            action=Action.REDO,
            modes=("D12",),
            code="percentages_summed",
        )


def _describe(decomposition: Decomposition) -> str:
    return ", ".join(
        f"{part.lever} {part.gain:+.1%}"
        + (f" [{part.interval.lower:+.1%}, {part.interval.upper:+.1%}]" if part.interval else "")
        for part in decomposition.parts
        if part.gain is not None
    )[:600]


rule = Rule("decomposition", frozenset({"bundle"}), ("A04", "D12"), ("plan", "rounds", "components"), check)
