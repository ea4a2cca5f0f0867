"""The samples hold all the work: none on a side stream, on another thread or in a costly first call (H12).

After its samples a candidate may keep streams and threads busy no longer than the live implementation does, plus 10 %,
and may leave no more new threads. A first call that costs more than all served calls save delays the first requests,
unless the implementation has a hook that makes this call before the server is ready: FLAG.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView, OpRow
from bankable.nodes.auditor.rule import HARNESS, Found, Outcome, Rule, flag
from bankable.nodes.auditor.rules.harness.citing import cite_rows, report_rows, report_unrecorded
from bankable.nodes.auditor.verdict import Action

SPAN = 0.10
"""Allowance per sample, as a share of the sample."""
SPAN_NS = 500.0
"""Allowance per sample for synchronisation jitter, nanoseconds; its mean cost shows on the reference."""
RECORDED = ("span_ns", "import_ns", "first_call_ns", "threads_before", "threads_after")
ADVICE = "do all work inside the timed call, on the timed stream and thread"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    rows = [row for row in benchmark.judged if row.measured]
    incomplete = [row for row in rows if None in [getattr(row.run, name) for name in RECORDED]]
    yield from report_unrecorded(
        benchmark, incomplete, "span over all streams, times of import and first call, and thread counts"
    )
    wait = max((_beyond(row) for row in rows if row.run.role == "reference"), default=0.0)
    longer = [row for row in rows if row.run.role == "candidate" and _beyond(row) > wait + SPAN_NS + _tenth(row)]
    if longer:
        yield from report_rows(
            benchmark,
            longer,
            f"no work after a sample beyond the reference's {wait:.4g} ns",
            f"streams and threads were busy for {_beyond(longer[0]):.4g} ns after each sample",
            ADVICE,
            modes=("H12",),
            code="work_outside_samples",
            action=Action.EJECT,
        )
    shorter = [row for row in rows if row.run.span_ns is not None and _beyond(row) < -_tenth(row)]
    yield from report_rows(
        benchmark,
        shorter,
        "a span over all streams at least as long as the samples",
        "the span is shorter than the sum of the samples",
        ADVICE,
        modes=("H12",),
        code="impossible_span",
    )
    usual = max((_count_new_threads(row) for row in rows if row.run.role == "reference"), default=0)
    threads = [row for row in rows if row.run.role == "candidate" and _count_new_threads(row) > usual]
    if threads:
        yield from report_rows(
            benchmark,
            threads,
            f"at most {usual} new threads, as on the reference",
            f"{_count_new_threads(threads[0])} new threads",
            ADVICE,
            modes=("H12",),
            code="new_threads",
            action=Action.EJECT,
        )
    yield from _first_calls(case, benchmark)


def _beyond(row: OpRow) -> float:
    """Nanoseconds per sample that streams and threads were busy after it."""
    return ((row.run.span_ns or 0.0) - math.fsum(row.samples)) / len(row.samples)


def _tenth(row: OpRow) -> float:
    return SPAN * math.fsum(row.samples) / len(row.samples)


def _count_new_threads(row: OpRow) -> int:
    return (row.run.threads_after or 0) - (row.run.threads_before or 0)


def _first_calls(case: Case, benchmark: OperatorBenchmarkView) -> Iterator[Found]:
    result = case.isolated
    if result is None or result.decision is None or result.decision.verdict != "real":
        return
    if result.reference_ns is None or result.candidate_ns is None:
        return
    calls = sum(benchmark.served.values())
    saved = calls * (result.reference_ns - result.candidate_ns)
    served = [row for row in benchmark.winning if row.measured and row.run.shape in benchmark.served]
    rows = [row for row in served if not row.run.prewarmed]
    once: dict[str, list[float]] = {}
    for row in rows:
        extra = (row.run.first_call_ns or 0.0) - median(row.samples) / row.run.calls_per_sample
        once.setdefault(row.run.shape, []).append(max(0.0, extra))
    cost = math.fsum(median(values) for values in once.values())
    if saved > 0 and cost > saved:
        yield flag(
            f"first calls that cost less than {calls} served calls save ({saved / 1e6:.3g} ms)",
            f"{cost / 1e6:.3g} ms",
            "add a hook that makes the first call of every shape before the server takes requests",
            *cite_rows(benchmark, rows),
            action=Action.REDO,
            modes=("H12",),
            code="unpaid_first_call",
        )


rule = Rule("harness_hidden_work", HARNESS, ("H12",), ("task", "bench"), check)
