"""The machine's telemetry is complete, possible, and agrees with the CPU time of the servers (C15 C11 D14).

Samples come about once a second from before the first round until after the last one; shares lie between 0 and 100;
clocks and memory are those of a computer; a server cannot have used more processor time than the machine had, nor none.
One relation each, on the worst sample.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.relation import Invariant, judge_invariants
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Rule
from bankable.nodes.auditor.rules.invariants import processor_time, telemetry

INVARIANTS: tuple[Invariant, ...] = (*telemetry.INVARIANTS, *processor_time.INVARIANTS)


def check(case: Case) -> Iterator[Outcome]:
    return judge_invariants(INVARIANTS, case)


rule = Rule("invariants_machine", COMPARISONS, ("C15", "C11", "R03", "E08"), ("lever", "rounds"), check)
