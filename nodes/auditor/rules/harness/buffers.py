"""The candidate wrote its whole output itself, before any expected output was within its reach (H14).

Output buffers are poisoned first: an element that keeps the poison was not written, and a guard that lost it was
overrun. The expected outputs come into being after the candidate ran.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import faulty, unrecorded
from bankable.nodes.auditor.verdict import Action, Severity

ADVICE = "poison the output buffers, run the candidate first, and compute what is expected elsewhere"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    pairs = [
        (row, row.run.correctness) for row in benchmark.winning if row.measured and row.run.correctness is not None
    ]
    yield from unrecorded(
        benchmark,
        [row for row, said in pairs if None in (said.poison_intact, said.ran_before_expected)],
        "poisoned buffers and the order of candidate and oracle",
    )
    yield from faulty(
        benchmark,
        [row for row, said in pairs if said.poison_intact is False],
        "every element written, and nothing beyond",
        "poison left in the output, or a guard overwritten",
        ADVICE,
        modes=("H14",),
        code="poison",
        action=Action.EJECT,
    )
    yield from faulty(
        benchmark,
        [row for row, said in pairs if said.ran_before_expected is False],
        "a candidate that ran before any expected output existed",
        "expected outputs were in reach",
        ADVICE,
        modes=("H14",),
        code="expected_in_reach",
    )


rule = Rule("harness_buffers", HARNESS, ("H14",), ("bench",), check, gives=(Severity.FAIL,))
