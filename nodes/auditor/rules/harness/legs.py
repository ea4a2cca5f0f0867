"""Each leg ran what it was registered as: the imported file and the implementation that reported (H04 E05).

Legs are swapped when the reference imported the winner's file and the winner the live one. A candidate whose
implementation never reported fell back; with an error of exactly 0.0 against the live output, to the live one.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OpRow
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import report_rows, report_unrecorded
from bankable.nodes.auditor.verdict import Severity

ADVICE = "let each process report the file it imported and the implementation that ran, and measure again"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    rows = [row for row in benchmark.judged if row.run.raised is None]
    yield from report_unrecorded(benchmark, [row for row in rows if row.run.resolved is None], "the imported file")
    other_file = [row for row in rows if row.run.resolved is not None and row.run.resolved != row.run.source]
    if other_file and _are_swapped(other_file):
        yield from report_rows(
            benchmark,
            other_file,
            "each leg importing its own file",
            "it imported the other leg's file",
            ADVICE,
            modes=("H04",),
            code="swapped",
        )
    elif other_file:
        resolved = other_file[0].run.resolved
        yield from report_rows(
            benchmark,
            other_file,
            f"the registered file {other_file[0].run.source.path}",
            f"it imported {resolved.path if resolved else None}",
            ADVICE,
            modes=("H04",),
            code="other_file",
        )
    fallback = [row for row in rows if row.run.executed != row.run.implementation]
    if fallback:
        same = [row for row in fallback if row.run.correctness and row.run.correctness.error_vs_live == 0.0]
        cited = same or fallback
        observed = f"{cited[0].run.executed} ran"
        yield from report_rows(
            benchmark,
            cited,
            f"a report from {cited[0].run.implementation}",
            observed + (", with an error of exactly 0.0 against the live output" if same else ""),
            ADVICE,
            modes=("E05",) if same else ("H04", "E05"),
            code="silent_fallback" if same else "other_branch",
        )


def _are_swapped(rows: list[OpRow]) -> bool:
    """Whether each leg imported the file that the other one was registered with."""
    legs = [[row.run for row in rows if row.run.role == role] for role in ("reference", "candidate")]
    registered = [{run.source.digest for run in runs} for runs in legs]
    imported = [{run.resolved.digest for run in runs if run.resolved} for runs in legs]
    return all(imported) and imported[0] <= registered[1] and imported[1] <= registered[0]


rule = Rule("harness_legs", HARNESS, ("H04", "E05"), ("bench",), check, gate=True, gives=(Severity.FAIL,))
