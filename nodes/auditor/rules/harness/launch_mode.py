"""Both legs used the live server's launch mode: eager, or graph replay (H02 H11)."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import report_rows
from bankable.nodes.auditor.verdict import Severity


def check(case: Case) -> Iterator[Outcome]:
    benchmark, task = case.benchmark, case.benchmark.task
    if task is None:
        return
    for rows, mode in ((benchmark.reference, "H11"), (benchmark.winning, "H02")):
        other = [row for row in rows if row.run.launch_mode != task.launch_mode]
        if other:
            yield from report_rows(
                benchmark,
                other,
                f"{task.launch_mode} launches, as on the live server",
                f"{other[0].run.launch_mode}",
                "measure in the live launch mode: graph replay hides launch cost that an eager server has",
                modes=("H02",) if mode == "H02" else ("H02", "H11"),
                code="launch_mode",
            )


rule = Rule("harness_launch_mode", HARNESS, ("H02", "H11"), ("task", "bench"), check, gives=(Severity.FAIL,))
