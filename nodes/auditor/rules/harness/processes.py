"""One process, one leg: fresh in every round, alone while it runs, and judged by another one (H14 H15 D03 C11).

A process that holds reference and candidate can hand outputs over. One that runs two rounds is no replication. One that
checks its own outputs is its own judge. Two that overlap disturb each other. Rounds follow each other, so that drift
hits both legs alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OpRow, processes
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import faulty
from bankable.nodes.auditor.verdict import Severity

ADVICE = "start a fresh process for every implementation and round, one after the other, and check outputs in another"
SLACK_S = 0.05


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    judged = {row.line for row in benchmark.judged}
    # A losing candidate can still disturb: whoever shares a process or the time with a judged row counts here.
    groups = [part for part in processes(benchmark.rows).values() if any(row.line in judged for row in part)]
    shared = [row for part in groups if len({row.run.implementation for row in part}) > 1 for row in part]
    yield from faulty(
        benchmark,
        shared,
        "a process of its own for every implementation",
        "shares its process with another one",
        ADVICE,
        modes=("H14",),
        code="shared_process",
    )
    lines = {row.line for row in shared}
    stale = [
        row for part in groups if len({row.run.round for row in part}) > 1 for row in part if row.line not in lines
    ]
    yield from faulty(
        benchmark,
        stale,
        "a fresh process in every round",
        "the process of another round",
        ADVICE,
        modes=("D03",),
        code="same_process",
    )
    pids = {row.run.pid for row in benchmark.rows}
    own = [row for row in benchmark.judged if row.run.correctness is not None and row.run.correctness.pid in pids]
    yield from faulty(
        benchmark,
        own,
        "outputs checked by a process that runs no implementation",
        "checked by one that does",
        ADVICE,
        modes=("H15",),
        code="own_judge",
    )
    ordered = sorted(benchmark.rows, key=lambda row: (row.run.started, row.line))
    yield from faulty(
        benchmark,
        _overlapping(ordered, judged),
        "one process at a time",
        "ran beside another process",
        ADVICE,
        modes=("C11",),
        code="overlap",
    )
    mine = [row for row in ordered if row.line in judged]
    late = [row for before, row in pairwise(mine) if row.run.round < before.run.round]
    yield from faulty(
        benchmark,
        late,
        "rounds one after the other, both legs in each",
        "after a later round",
        ADVICE,
        modes=("C05",),
        code="not_interleaved",
    )


def _overlapping(ordered: list[OpRow], judged: set[int]) -> list[OpRow]:
    found: list[OpRow] = []
    last: OpRow | None = None
    for row in ordered:
        if last is not None and row.run.pid != last.run.pid and row.run.started < last.run.ended - SLACK_S:
            found += [row] if judged & {row.line, last.line} else []
        if last is None or row.run.ended > last.run.ended:
            last = row
    return found


rule = Rule(
    "harness_processes", HARNESS, ("H14", "H15", "D03", "C05", "C11"), ("bench",), check, gives=(Severity.FAIL,)
)
