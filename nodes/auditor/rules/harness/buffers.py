"""The candidate wrote its whole output itself, before any expected output existed (H14).

Output buffers and guard zones are filled with a poison value first: an element that keeps it was not written, and a
guard that lost it was overrun. The expected outputs are computed after the candidate ran.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import report_rows, report_unrecorded
from bankable.nodes.auditor.verdict import Action, Severity

ADVICE = "poison the output buffers, run the candidate first, and compute the expected outputs in another process"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    pairs = [
        (row, row.run.correctness) for row in benchmark.winning if row.measured and row.run.correctness is not None
    ]
    yield from report_unrecorded(
        benchmark,
        [row for row, result in pairs if None in (result.poison_intact, result.ran_before_expected)],
        "the poison check and the order of candidate and oracle",
    )
    yield from report_rows(
        benchmark,
        [row for row, result in pairs if result.poison_intact is False],
        "every element written, and nothing beyond the buffer",
        "poison left in the output, or a guard overwritten",
        ADVICE,
        modes=("H14",),
        code="poison",
        action=Action.EJECT,
    )
    yield from report_rows(
        benchmark,
        [row for row, result in pairs if result.ran_before_expected is False],
        "a candidate that ran before any expected output existed",
        "expected outputs existed before it ran",
        ADVICE,
        modes=("H14",),
        code="expected_in_reach",
    )


rule = Rule("harness_buffers", HARNESS, ("H14",), ("bench",), check, gives=(Severity.FAIL,))
