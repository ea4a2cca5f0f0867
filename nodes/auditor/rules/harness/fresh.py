"""The operator benchmark was measured in this run, for this operator and attempt, at the stated time (R02 R03).

One run nonce and operator in task, oracle, measurement, claim and every row; the attempt that was asked about; the
task is older than the benchmark; peaks and rows lie inside its time; no row appears twice, and no two rows have the
same samples (a copied file).
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView
from bankable.nodes.auditor.rule import HARNESS, Found, Outcome, Rule, at, fail
from bankable.nodes.auditor.rules.harness.citing import report_rows
from bankable.nodes.auditor.verdict import Action, Severity

SLACK_S = 1.0
FEWEST_TO_COMPARE = 3
"""Shorter lists of samples may be equal by chance with a coarse timer."""
ADVICE = "run the operator benchmark again in this run; evidence of another run does not count"


def check(case: Case) -> Iterator[Outcome]:
    benchmark, nonce = case.benchmark, case.request.run_id
    for name, record in (
        ("task.json", benchmark.task),
        ("oracle.json", benchmark.oracle),
        ("measurement.json", benchmark.measurement),
        ("claim.json", benchmark.claim),
    ):
        if record is None:
            continue
        if record.run_id != nonce:
            yield _stale(f"run {nonce}", f"{name} of run {record.run_id}", benchmark.path(name))
        if record.operator != case.request.comparison:
            yield _stale(f"operator {case.request.comparison}", f"{name} of {record.operator}", benchmark.path(name))
    others = [r for r in benchmark.rows if (r.run.run_id, r.run.operator) != (nonce, case.request.comparison)]
    if others:
        yield from report_rows(
            benchmark,
            others,
            f"run {nonce}, operator {case.request.comparison}",
            f"run {others[0].run.run_id}, operator {others[0].run.operator}",
            ADVICE,
            modes=("R03",),
            code="stale",
        )
    yield from _times(case, benchmark)
    yield from _copies(benchmark)


def _times(case: Case, benchmark: OperatorBenchmarkView) -> Iterator[Found]:
    measurement, task = benchmark.measurement, benchmark.task
    if measurement is None:
        return
    where = benchmark.path("measurement.json")
    if measurement.attempt != case.request.attempt:
        yield _stale(f"attempt {case.request.attempt}", f"attempt {measurement.attempt}", where)
    if task is not None and task.captured_at > measurement.started + SLACK_S:
        yield _stale(
            "a task captured before the operator benchmark",
            "a task captured after its start",
            benchmark.path("task.json"),
        )
    first, last = measurement.started - SLACK_S, measurement.ended + SLACK_S
    if not first <= measurement.peaks.measured_at <= last:
        yield _stale("device peaks measured in this operator benchmark", "measured at another time", where)
    outside = [row for row in benchmark.rows if not first <= row.run.started <= row.run.ended <= last]
    yield from report_rows(
        benchmark,
        outside,
        "rows inside the time of the operator benchmark, each ending after its start",
        "the row's times do not fit",
        ADVICE,
        modes=("R03",),
        code="stale",
    )


def _copies(benchmark: OperatorBenchmarkView) -> Iterator[Found]:
    cells: set[tuple[str, str, str, int]] = set()
    series: set[tuple[float, ...]] = set()
    twice, copied = [], []
    for row in benchmark.rows:
        cell = (row.run.role, row.run.implementation, row.run.shape, row.run.round)
        if cell in cells:
            twice.append(row)
        elif row.measured and len(row.samples) >= FEWEST_TO_COMPARE and row.samples in series:
            copied.append(row)
        cells.add(cell)
        series.add(row.samples)
    yield from report_rows(
        benchmark,
        twice,
        "one row for each implementation, shape and round",
        "it appears twice",
        ADVICE,
        modes=("R03", "D11"),
        code="row_twice",
    )
    yield from report_rows(
        benchmark,
        copied,
        "samples of its own",
        "identical to the samples of another row",
        ADVICE,
        modes=("R02",),
        code="copied",
    )


def _stale(expected: str, observed: str, file: str) -> Found:
    return fail(expected, observed, ADVICE, at(file), action=Action.REDO, modes=("R03",), code="stale")


rule = Rule("harness_fresh", HARNESS, ("R02", "R03", "D11"), ("bench",), check, gate=True, gives=(Severity.FAIL,))
