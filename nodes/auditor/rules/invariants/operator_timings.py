"""Samples fit into the time of their row, rows into that of the measurement; one source each (H07 H12 R03)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView, OpRow, group_by_process
from bankable.nodes.auditor.invariants.evidence import benchmarks
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.verdict import Severity

NS = 1e9


def _rows(
    left: Callable[[OpRow], float | None], right: Callable[[OpRow], float | None]
) -> Callable[[Case], Iterator[ValuePair]]:
    """Two figures of each judged row."""

    def read(case: Case) -> Iterator[ValuePair]:
        for bench in benchmarks(case):
            for row in bench.judged:
                values = (left(row), right(row)) if row.measured else (None, None)
                if values[0] is not None and values[1] is not None:
                    yield ValuePair(values[0], values[1], bench.runs_file, row.line)

    return read


def _raw_sum(row: OpRow) -> float:
    return math.fsum(row.samples)


def _wall(row: OpRow) -> float:
    return (row.run.ended - row.run.started) * NS


def _one_source(case: Case) -> Iterator[ValuePair]:
    for bench in benchmarks(case):
        first: dict[str, str] = {}
        for row in bench.rows:
            known = first.setdefault(row.run.implementation, row.run.source.digest)
            yield ValuePair(row.run.source.digest, known, bench.runs_file, row.line)


def _same_work(value: Callable[[OpRow], int | None]) -> Callable[[Case], Iterator[ValuePair]]:
    """Work of one call at one shape, whoever does it."""

    def read(case: Case) -> Iterator[ValuePair]:
        for bench in benchmarks(case):
            first: dict[str, int] = {}
            for row in bench.judged:
                number = value(row)
                if number is not None:
                    yield ValuePair(
                        float(number), float(first.setdefault(row.run.shape, number)), bench.runs_file, row.line
                    )

    return read


def _within_measurement(case: Case) -> Iterator[ValuePair]:
    for bench in benchmarks(case):
        if bench.measurement is None:
            continue
        for row in bench.rows:
            outside = max(bench.measurement.started - row.run.started, row.run.ended - bench.measurement.ended, 0.0)
            yield ValuePair(outside, 0.0, bench.runs_file, row.line)


def _apart(case: Case) -> Iterator[ValuePair]:
    """Seconds that two rows of one process overlap."""
    for bench in benchmarks(case):
        for rows in group_by_process(bench.rows).values():
            ordered = sorted(rows, key=lambda row: row.run.started)
            for before, after in pairwise(ordered):
                yield ValuePair(max(0.0, before.run.ended - after.run.started), 0.0, bench.runs_file, after.line)


def _first_call(row: OpRow) -> float | None:
    """Time of the first call; nothing where the implementation does its first call before."""
    return None if row.run.prewarmed else row.run.first_call_ns


def _captured_before(case: Case) -> Iterator[ValuePair]:
    for bench in benchmarks(case):
        if bench.task is not None and bench.measurement is not None:
            yield ValuePair(max(0.0, bench.task.captured_at - bench.measurement.started), 0.0, bench.path("task.json"))


def _sums_and_medians(case: Case) -> Iterator[ValuePair]:
    """The ratio of sums of samples, weighted by calls, against the claimed ratio of medians."""
    for bench in benchmarks(case):
        if bench.claim is None or not bench.claim.speedup or not bench.winning:
            continue
        ratio = [_served_mean(bench, rows) for rows in (bench.reference, bench.winning)]
        if ratio[0] and ratio[1]:
            yield ValuePair(ratio[0] / ratio[1], bench.claim.speedup, bench.path("claim.json"))


def _served_mean(bench: OperatorBenchmarkView, rows: tuple[OpRow, ...]) -> float | None:
    """Mean time of a served call, over the served shapes by their calls."""
    total = weight = 0.0
    for key, calls in bench.served.items():
        samples = [value for row in rows if row.run.shape == key and row.measured for value in row.samples]
        if samples:
            total += calls * math.fsum(samples) / len(samples)
            weight += calls
    return total / weight if weight else None


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="samples_in_row",
        left="opbench_runs.jsonl: Σ samples_ns × calls_per_sample",
        relation=Relation.AT_MOST,
        right="opbench_runs.jsonl: ended − started",
        tolerance=0.02,
        reason="samples are taken within their row; the clocks differ by microseconds",
        mode="H07",
        read=_rows(_raw_sum, _wall),
    ),
    Invariant(
        id="samples_in_span",
        left="opbench_runs.jsonl: Σ samples_ns",
        relation=Relation.AT_MOST,
        right="opbench_runs.jsonl: span_ns",
        tolerance=0.02,
        reason="the span includes every sample",
        mode="H12",
        read=_rows(_raw_sum, lambda row: row.run.span_ns),
    ),
    Invariant(
        id="span_in_row",
        left="opbench_runs.jsonl: span_ns",
        relation=Relation.AT_MOST,
        right="opbench_runs.jsonl: ended − started",
        tolerance=0.1,
        reason="the span lies within its row; two clocks",
        mode="H12",
        read=_rows(lambda row: row.run.span_ns, _wall),
    ),
    Invariant(
        id="number_of_samples",
        left="opbench_runs.jsonl: samples_ns",
        relation=Relation.EQUAL,
        right="opbench_runs.jsonl: timed_calls",
        tolerance=0.0,
        reason="a count",
        mode="H07",
        read=_rows(lambda row: float(len(row.run.samples_ns)), lambda row: float(row.run.timed_calls)),
    ),
    Invariant(
        id="rows_in_measurement",
        left="opbench_runs.jsonl: seconds of a row outside measurement.json",
        relation=Relation.SAME,
        right="none",
        tolerance=1.0,
        reason="one clock",
        mode="R03",
        read=_within_measurement,
    ),
    Invariant(
        id="captured_before",
        left="task.json: seconds that captured_at comes after the benchmark",
        relation=Relation.SAME,
        right="none",
        tolerance=0.0,
        reason="a task is captured first",
        mode="R03",
        read=_captured_before,
    ),
    Invariant(
        id="rows_apart",
        left="opbench_runs.jsonl: seconds that two rows of a process overlap",
        relation=Relation.SAME,
        right="none",
        tolerance=0.01,
        reason="a process measures one row after the other",
        mode="H12",
        read=_apart,
    ),
    Invariant(
        id="first_call",
        left="opbench_runs.jsonl: first_call_ns",
        relation=Relation.AT_LEAST,
        right="opbench_runs.jsonl: the shortest of samples_ns",
        tolerance=0.2,
        reason="the first call does what every call does, and more: 1.18 times in honest rows",
        mode="H07",
        read=_rows(_first_call, lambda row: min(row.samples) / row.run.calls_per_sample),
        severity=Severity.FLAG,
    ),
    Invariant(
        id="one_source",
        left="opbench_runs.jsonl: source digest of an implementation",
        relation=Relation.EQUAL,
        right="that of its first row",
        tolerance=0.0,
        reason="one id, one source",
        mode="H01",
        read=_one_source,
    ),
    Invariant(
        id="same_bytes",
        left="opbench_runs.jsonl: bytes_moved at a shape",
        relation=Relation.EQUAL,
        right="those of the first row at this shape",
        tolerance=0.0,
        reason="the operator's definition decides, not who runs it",
        mode="H19",
        read=_same_work(lambda row: row.run.bytes_moved),
    ),
    Invariant(
        id="same_flops",
        left="opbench_runs.jsonl: flops at a shape",
        relation=Relation.EQUAL,
        right="those of the first row at this shape",
        tolerance=0.0,
        reason="the operator's definition decides, not who runs it",
        mode="H19",
        read=_same_work(lambda row: row.run.flops),
    ),
    Invariant(
        id="sums_beside_medians",
        left="opbench_runs.jsonl: ratio of mean times of a served call",
        relation=Relation.EQUAL,
        right="claim.json: speedup, a ratio of medians",
        tolerance=0.5,
        reason="single slow samples move a mean by a third; a winner that is slow now and then moves it further",
        mode="H18",
        read=_sums_and_medians,
        severity=Severity.FLAG,
    ),
)
