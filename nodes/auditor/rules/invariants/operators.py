"""The records of an operator's benchmark agree with each other and with the markers of the servers (H05 H07 H16 E05).

Oracle tensors hold finite numbers that vary, in the task's types; samples fit into the time of their row, rows into
that of the measurement; one implementation has one source; sums of samples tell the same as medians; markers name the
benchmarked source and shapes. One relation each.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.relation import Invariant, judge_invariants
from bankable.nodes.auditor.rule import GAINS, HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.invariants import (
    operator_markers,
    operator_tasks,
    operator_timings,
    oracle_tensors,
)

INVARIANTS: tuple[Invariant, ...] = (
    *oracle_tensors.INVARIANTS,
    *operator_tasks.INVARIANTS,
    *operator_timings.INVARIANTS,
    *operator_markers.INVARIANTS,
)


def check(case: Case) -> Iterator[Outcome]:
    return judge_invariants(INVARIANTS, case)


rule = Rule(
    "invariants_operators",
    GAINS | HARNESS,
    ("H05", "H16", "H07", "H12", "R03", "H01", "H19", "H18", "E02", "H06", "E05", "Q06"),
    (),
    check,
)
