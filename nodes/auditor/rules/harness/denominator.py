"""The denominator is the implementation that the live server runs, and the winner is another one (H01 H03 H11).

Reference rows must have the backend and the source digest that the task took from the live server, from a file outside
the task folder. The winner must not be the live backend under its own name, nor the live source under another name. Two
kernels of one backend are two implementations when their sources differ.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.identity import describe_self_comparison, is_in_task_folder
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView
from bankable.nodes.auditor.rule import HARNESS, Found, Outcome, Rule, at, fail
from bankable.nodes.auditor.rules.harness.citing import cite_rows, report_rows
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.harness import Task

LIVE = "measure against the implementation that the live server runs at the operator's patch point"


def check(case: Case) -> Iterator[Outcome]:
    benchmark, task = case.benchmark, case.benchmark.task
    if task is None:
        return
    if reason := describe_self_comparison(benchmark):
        yield fail(
            "a winner that is not the live implementation",
            reason,
            "the ratio of an implementation to itself is noise: claim no win",
            at(benchmark.path("claim.json")),
            *cite_rows(benchmark, benchmark.winning),
            action=Action.REDO,
            modes=("H01",),
            code="compared_with_itself",
        )
    yield from _reference(benchmark, task)
    claim = benchmark.claim
    if claim is not None and claim.baseline_backend not in (None, task.live_backend):
        yield fail(
            f"live backend {task.live_backend}",
            f"baseline backend {claim.baseline_backend}",
            LIVE,
            at(benchmark.path("claim.json")),
            action=Action.REDO,
            modes=("H11",),
            code="straw_man",
        )


def _reference(benchmark: OperatorBenchmarkView, task: Task) -> Iterator[Found]:
    if is_in_task_folder(task.live_source.path):
        yield fail(
            "a live implementation outside the task folder",
            task.live_source.path[:300],
            LIVE,
            at(benchmark.path("task.json")),
            action=Action.REDO,
            modes=("H03",),
            code="own_denominator",
        )
    files = [(row, source) for row in benchmark.reference for source in (row.run.source, row.run.resolved) if source]
    own = [row for row, source in files if is_in_task_folder(source.path)]
    lines = {row.line for row in own}
    other = [row for row, source in files if source.digest != task.live_source.digest and row.line not in lines]
    yield from report_rows(
        benchmark,
        own,
        "a reference outside the task folder",
        "the source is in the task folder",
        LIVE,
        modes=("H03",),
        code="own_denominator",
    )
    yield from report_rows(
        benchmark,
        other,
        f"the live source {task.live_source.digest[:12]}",
        "another source digest",
        LIVE,
        modes=("H03", "H11"),
        code="not_the_live_source",
    )
    backends = [row for row in benchmark.reference if row.run.backend != task.live_backend]
    if backends:
        yield from report_rows(
            benchmark,
            backends,
            f"live backend {task.live_backend}",
            f"backend {backends[0].run.backend}",
            LIVE,
            modes=("H11",),
            code="straw_man",
        )


rule = Rule(
    "harness_denominator", HARNESS, ("H01", "H03", "H11"), ("task", "bench"), check, gate=True, gives=(Severity.FAIL,)
)
