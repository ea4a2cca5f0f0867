"""Each implementation and round has its own process, alone while it runs and checked by another (H14 H15 D03 C11).

A process that runs reference and candidate can pass outputs between them. A process that runs two rounds is not a
replication. Outputs must be checked by another process. Overlapping processes disturb each other. Rounds are
interleaved so that drift affects both legs equally.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OpRow, group_by_process
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import report_rows
from bankable.nodes.auditor.verdict import Severity

ADVICE = "start a new process for every implementation and round, one at a time, and check outputs in another process"
SLACK_S = 0.05


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    judged = {row.line for row in benchmark.judged}
    # A losing candidate can disturb too: rows that share a process or overlap in time with a judged row count here.
    groups = [part for part in group_by_process(benchmark.rows).values() if any(row.line in judged for row in part)]
    shared = [row for part in groups if len({row.run.implementation for row in part}) > 1 for row in part]
    yield from report_rows(
        benchmark,
        shared,
        "a process of its own for every implementation",
        "it shares its process with another implementation",
        ADVICE,
        modes=("H14",),
        code="shared_process",
    )
    lines = {row.line for row in shared}
    stale = [
        row for part in groups if len({row.run.round for row in part}) > 1 for row in part if row.line not in lines
    ]
    yield from report_rows(
        benchmark,
        stale,
        "a new process in every round",
        "it ran in the process of another round",
        ADVICE,
        modes=("D03",),
        code="same_process",
    )
    pids = {row.run.pid for row in benchmark.rows}
    own = [row for row in benchmark.judged if row.run.correctness is not None and row.run.correctness.pid in pids]
    yield from report_rows(
        benchmark,
        own,
        "outputs checked by a process that runs no implementation",
        "they were checked by a process that does",
        ADVICE,
        modes=("H15",),
        code="own_judge",
    )
    ordered = sorted(benchmark.rows, key=lambda row: (row.run.started, row.line))
    yield from report_rows(
        benchmark,
        _find_overlapping(ordered, judged),
        "one process at a time",
        "it ran at the same time as another process",
        ADVICE,
        modes=("C11",),
        code="overlap",
    )
    ordered_judged = [row for row in ordered if row.line in judged]
    late = [row for before, row in pairwise(ordered_judged) if row.run.round < before.run.round]
    yield from report_rows(
        benchmark,
        late,
        "rounds in order, both legs in each",
        "it ran after a later round",
        ADVICE,
        modes=("C05",),
        code="not_interleaved",
    )


def _find_overlapping(ordered: list[OpRow], judged: set[int]) -> list[OpRow]:
    overlapping: list[OpRow] = []
    last: OpRow | None = None
    for row in ordered:
        if last is not None and row.run.pid != last.run.pid and row.run.started < last.run.ended - SLACK_S:
            overlapping += [row] if judged & {row.line, last.line} else []
        if last is None or row.run.ended > last.run.ended:
            last = row
    return overlapping


rule = Rule(
    "harness_processes", HARNESS, ("H14", "H15", "D03", "C05", "C11"), ("bench",), check, gives=(Severity.FAIL,)
)
