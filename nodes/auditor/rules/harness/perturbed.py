"""The winner's output changes when its input changes (H16)."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import report_rows, report_unrecorded
from bankable.nodes.auditor.verdict import Action, Severity


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    pairs = [
        (row, row.run.correctness) for row in benchmark.winning if row.measured and row.run.correctness is not None
    ]
    yield from report_unrecorded(
        benchmark, [row for row, result in pairs if result.changes_with_input is None], "a check with perturbed inputs"
    )
    yield from report_rows(
        benchmark,
        [row for row, result in pairs if result.changes_with_input is False],
        "an output that depends on the input",
        "the output did not change",
        "compute the output from the input",
        modes=("H16",),
        code="constant_output",
        action=Action.EJECT,
    )


rule = Rule("harness_perturbed", HARNESS, ("H16",), ("bench",), check, gives=(Severity.FAIL,))
