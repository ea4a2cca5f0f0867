"""No row is faster than the device: bytes and operations per second below the peaks of the same benchmark (H19).

Work per call depends on the operator and shape only, so it is the same on both legs. Work done in less time than the
peaks allow was not done. Rates up to 15 % above a measured peak are attributed to its measurement error; inputs that a
flush or a rotation evicted cannot be read from the caches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView, OpRow
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule, Unverifiable, at, info
from bankable.nodes.auditor.rules.harness.citing import report_rows, report_unrecorded
from bankable.nodes.auditor.verdict import Action, Severity

SLACK = 1.15
"""Factor over a measured peak that is accepted."""
ADVICE = "count the operator's own bytes and operations, and find the work that this implementation omits"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    if benchmark.measurement is None:
        return
    peaks = benchmark.measurement.peaks
    rows = [row for row in benchmark.judged if row.measured]
    yield from report_unrecorded(
        benchmark,
        [row for row in rows if None in (row.run.bytes_moved, row.run.flops)],
        "bytes and operations per call",
    )
    if not (math.isfinite(peaks.copy_bandwidth) and math.isfinite(peaks.flop_rate)):
        yield Unverifiable("finite device peaks", (at(benchmark.path("measurement.json")),))
        return
    yield from _check_equal_work(benchmark, rows)
    for name, peak, rate in (
        ("bytes", peaks.copy_bandwidth, _compute_rates(rows, "bytes_moved")),
        ("operations", peaks.flop_rate, _compute_rates(rows, "flops")),
    ):
        fast = [row for row, value in rate if value > SLACK * peak]
        best = max((value for _, value in rate), default=0.0)
        if fast:
            yield from report_rows(
                benchmark,
                fast,
                f"at most {peak:.4g} {name} per second, as measured on the device",
                f"up to {best:.4g}",
                ADVICE,
                modes=("H19",),
                code="above_peak",
                action=Action.EJECT,
            )
        elif rate:
            yield info(f"below {peak:.4g} {name} per second", f"{best / peak:.0%} of the peak", at(benchmark.runs_file))


def _check_equal_work(benchmark: OperatorBenchmarkView, rows: list[OpRow]) -> Iterator[Outcome]:
    first: dict[str, tuple[int | None, int | None]] = {}
    different = []
    for row in rows:
        work = row.run.bytes_moved, row.run.flops
        if first.setdefault(row.run.shape, work) != work:
            different.append(row)
    yield from report_rows(
        benchmark,
        different,
        "the same work per call at one shape",
        "counts that differ from the reference's",
        ADVICE,
        modes=("H19",),
        code="other_work",
    )


def _compute_rates(rows: list[OpRow], field: str) -> list[tuple[OpRow, float]]:
    """Work per second of each row, from the median of its samples."""
    return [
        (row, 1e9 * float(work) * row.run.calls_per_sample / median(row.samples))
        for row in rows
        if (work := getattr(row.run, field)) is not None
    ]


rule = Rule("harness_roofline", HARNESS, ("H19",), ("measurement", "bench"), check, gives=(Severity.FAIL,))
