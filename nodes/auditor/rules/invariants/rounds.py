"""Every figure that a round's record states follows from the per-request lists of the same record (D14 D11 Q08 C08).

The summaries of the load generator are recomputed from the lists; sums of times are bounded by what one clock allows;
the load is the one that the plan declares; the timed spans of ``leg.json`` enclose the rounds. One relation each.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.relation import Invariant, judge_invariants
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Rule
from bankable.nodes.auditor.rules.invariants import round_figures, round_plan

INVARIANTS: tuple[Invariant, ...] = (*round_figures.INVARIANTS, *round_plan.INVARIANTS)


def check(case: Case) -> Iterator[Outcome]:
    return judge_invariants(INVARIANTS, case)


rule = Rule("invariants_rounds", COMPARISONS, ("D14", "D11", "Q08", "C08", "C17", "R03"), ("lever", "rounds"), check)
