"""Launches are independent of each other, in the order of the plan, and each record is consistent (R02 R03 C03 C11).

No two rounds have the same latencies or proportional ones; launches follow each other in the order of their blocks;
start-up, warm-ups and rounds of one launch lie in its life one after the other; servers that are up together differ in
process and port; the command line holds the recorded configuration. One relation each.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.relation import Invariant, judge_invariants
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Rule
from bankable.nodes.auditor.rules.invariants import launch_arguments, launch_copies, launch_times

INVARIANTS: tuple[Invariant, ...] = (
    *launch_copies.INVARIANTS,
    *launch_times.INVARIANTS,
    *launch_arguments.INVARIANTS,
)


def check(case: Case) -> Iterator[Outcome]:
    return judge_invariants(INVARIANTS, case)


rule = Rule(
    "invariants_launches",
    COMPARISONS,
    ("R02", "R03", "C03", "C05", "C07", "C10", "C11", "D11", "D14"),
    ("lever", "rounds"),
    check,
)
