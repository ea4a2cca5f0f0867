"""The records of an operator's benchmark agree with each other and with the markers of the servers (H05 H07 H16 E05).

Oracle tensors hold finite numbers that vary, in the task's types; samples fit into the time of their row, rows into
that of the measurement; one implementation has one source; sums of samples tell the same as medians; markers name the
benchmarked source and shapes. One relation each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView, OpRow
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair, judge_invariants
from bankable.nodes.auditor.invariants.tensors import TensorFacts, float_tensors
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import GAINS, HARNESS, Outcome, Rule
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.overlay import Marker

NS = 1e9
DTYPES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32", "F64": "float64"}
MOST_FILES = 64
"""Oracle files that are read."""


def _benchmarks(case: Case) -> Iterator[OperatorBenchmarkView]:
    if case.scope == "harness":
        yield case.benchmark
    elif not case.imported:
        yield from case.view.operators.values()


def _rows(
    left: Callable[[OpRow], float | None], right: Callable[[OpRow], float | None]
) -> Callable[[Case], Iterator[ValuePair]]:
    """Two figures of each judged row."""

    def read(case: Case) -> Iterator[ValuePair]:
        for bench in _benchmarks(case):
            for row in bench.judged:
                values = (left(row), right(row)) if row.measured else (None, None)
                if values[0] is not None and values[1] is not None:
                    yield ValuePair(values[0], values[1], bench.runs_file, row.line)

    return read


def _expected(case: Case) -> Iterator[tuple[OperatorBenchmarkView, str, TensorFacts]]:
    """Floating-point tensors of the expected outputs; only scope harness holds the files."""
    for bench in _benchmarks(case):
        for file in (bench.oracle.files if bench.oracle is not None else ())[:MOST_FILES]:
            path = bench.tensors(file.name) if ".expected." in file.name else None
            for facts in float_tensors(path) if path is not None else ():
                yield bench, file.name, facts


def _finite(case: Case) -> Iterator[ValuePair]:
    for bench, name, facts in _expected(case):
        yield ValuePair(float(facts.not_finite), 0.0, bench.path(f"oracle/{name}"))


def _vary(case: Case) -> Iterator[ValuePair]:
    for bench, name, facts in _expected(case):
        if facts.elements > 1:
            yield ValuePair(float(facts.distinct), min(8.0, float(facts.elements)), bench.path(f"oracle/{name}"))


def _typed(case: Case) -> Iterator[ValuePair]:
    """The type of expected outputs, where the task names one of floating point."""
    for bench, name, facts in _expected(case):
        if bench.task is not None and bench.task.dtype in DTYPES.values():
            yield ValuePair(DTYPES[facts.dtype], bench.task.dtype, bench.path(f"oracle/{name}"))


def _files_of_shapes(case: Case) -> Iterator[ValuePair]:
    """Oracle files of each shape of the task."""
    for bench in _benchmarks(case):
        if bench.oracle is None or bench.task is None:
            continue
        for key in bench.shapes:
            count = sum(file.shape == key for file in bench.oracle.files)
            yield ValuePair(float(count), 1.0, bench.path("oracle.json"))


def _own_tensors(case: Case) -> Iterator[ValuePair]:
    """No two oracle files have the same bytes."""
    for bench in _benchmarks(case):
        first: dict[str, str] = {}
        for file in bench.oracle.files if bench.oracle is not None else ():
            owner = first.setdefault(file.sha256, file.name)
            yield ValuePair(
                f"the bytes of {owner}" if owner != file.name else owner, file.name, bench.path("oracle.json")
            )


def _raw_sum(row: OpRow) -> float:
    return math.fsum(row.samples)


def _wall(row: OpRow) -> float:
    return (row.run.ended - row.run.started) * NS


def _one_source(case: Case) -> Iterator[ValuePair]:
    for bench in _benchmarks(case):
        first: dict[str, str] = {}
        for row in bench.rows:
            known = first.setdefault(row.run.implementation, row.run.source.digest)
            yield ValuePair(row.run.source.digest, known, bench.runs_file, row.line)


def _same_work(value: Callable[[OpRow], int | None]) -> Callable[[Case], Iterator[ValuePair]]:
    """Work of one call at one shape, whoever does it."""

    def read(case: Case) -> Iterator[ValuePair]:
        for bench in _benchmarks(case):
            first: dict[str, int] = {}
            for row in bench.judged:
                number = value(row)
                if number is not None:
                    yield ValuePair(
                        float(number), float(first.setdefault(row.run.shape, number)), bench.runs_file, row.line
                    )

    return read


def _within_measurement(case: Case) -> Iterator[ValuePair]:
    for bench in _benchmarks(case):
        if bench.measurement is None:
            continue
        for row in bench.rows:
            outside = max(bench.measurement.started - row.run.started, row.run.ended - bench.measurement.ended, 0.0)
            yield ValuePair(outside, 0.0, bench.runs_file, row.line)


def _captured_before(case: Case) -> Iterator[ValuePair]:
    for bench in _benchmarks(case):
        if bench.task is not None and bench.measurement is not None:
            yield ValuePair(max(0.0, bench.task.captured_at - bench.measurement.started), 0.0, bench.path("task.json"))


def _sums_and_medians(case: Case) -> Iterator[ValuePair]:
    """The ratio of sums of samples, weighted by calls, against the claimed ratio of medians."""
    for bench in _benchmarks(case):
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


def _markers(case: Case) -> Iterator[tuple[LegView, Marker]]:
    if case.scope == "harness":
        return
    for leg in case.legs:
        for marker in leg.markers:
            yield leg, marker


def _marked_source(case: Case) -> Iterator[ValuePair]:
    """The source that ran in the server, against the plan's."""
    for leg, marker in _markers(case):
        part = case.lever.overlays.get(marker.name)
        if part is not None and marker.source_digest is not None and marker.resolved == part.implementation:
            yield ValuePair(marker.source_digest, part.source_digest, leg.path("engagement.jsonl"))


def _marked_shapes(case: Case) -> Iterator[ValuePair]:
    """Shapes of a marker that the operator's benchmark timed, at least one."""
    for leg, marker in _markers(case):
        bench = None if case.imported else case.view.operators.get(marker.name)
        if bench is not None and bench.served and marker.shapes:
            timed = sum(shape in bench.shapes for shape in marker.shapes)
            yield ValuePair(float(timed), 1.0, leg.path("engagement.jsonl"))


def _handed_on(case: Case) -> Iterator[ValuePair]:
    for leg, marker in _markers(case):
        calls = marker.eager_calls + marker.captured_calls
        if calls:
            yield ValuePair(float(marker.live_calls), float(calls), leg.path("engagement.jsonl"))


def _marked_error(case: Case) -> Iterator[ValuePair]:
    """The error inside the server against what the task tolerates."""
    for leg, marker in _markers(case):
        bench = None if case.imported else case.view.operators.get(marker.name)
        if bench is not None and bench.task is not None and marker.error_vs_live is not None:
            allowed = bench.task.tolerance.relative_error
            if allowed > 0:
                yield ValuePair(marker.error_vs_live, allowed, leg.path("engagement.jsonl"))


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="oracle_finite",
        left="oracle: infinities and NaN in an expected output",
        relation=Relation.SAME,
        right="none",
        tolerance=0.0,
        reason="the live implementation gave it on served inputs",
        mode="H05",
        read=_finite,
        severity=Severity.FLAG,
    ),
    Invariant(
        id="oracle_varies",
        left="oracle: different values of an expected output",
        relation=Relation.AT_LEAST,
        right="eight, or one for each element",
        tolerance=0.0,
        reason="no operator gives a constant for sampled inputs",
        mode="H16",
        read=_vary,
    ),
    Invariant(
        id="oracle_type",
        left="oracle: type of an expected output",
        relation=Relation.EQUAL,
        right="task.json: dtype",
        tolerance=0.0,
        reason="one type",
        mode="H05",
        read=_typed,
    ),
    Invariant(
        id="oracle_of_shapes",
        left="oracle.json: files of a shape",
        relation=Relation.AT_LEAST,
        right="one",
        tolerance=0.0,
        reason="every shape of the task was sampled",
        mode="H05",
        read=_files_of_shapes,
    ),
    Invariant(
        id="own_tensors",
        left="oracle.json: sha256 of a file",
        relation=Relation.EQUAL,
        right="a digest of this file alone",
        tolerance=0.0,
        reason="no two samples are the same",
        mode="H16",
        read=_own_tensors,
    ),
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
    Invariant(
        id="marked_source",
        left="engagement.jsonl: source_digest",
        relation=Relation.EQUAL,
        right="plan.json: source_digest of the operator",
        tolerance=0.0,
        reason="one id, one source",
        mode="E02",
        read=_marked_source,
    ),
    Invariant(
        id="marked_shapes",
        left="engagement.jsonl: shapes that were benchmarked",
        relation=Relation.AT_LEAST,
        right="one",
        tolerance=0.0,
        reason="the benchmark's weight lies on served shapes",
        mode="H06",
        read=_marked_shapes,
    ),
    Invariant(
        id="handed_to_live",
        left="engagement.jsonl: calls handed on to the live implementation",
        relation=Relation.AT_MOST,
        right="engagement.jsonl: calls answered by the replacement",
        tolerance=0.0,
        reason="a replacement that answers less than half of its calls is not what was timed",
        mode="E05",
        read=_handed_on,
    ),
    Invariant(
        id="marked_error",
        left="engagement.jsonl: error_vs_live",
        relation=Relation.AT_MOST,
        right="task.json: tolerance.relative_error",
        tolerance=3.0,
        reason="served inputs are more than the sampled ones: a few times the bound",
        mode="Q06",
        read=_marked_error,
        severity=Severity.FLAG,
    ),
)


def check(case: Case) -> Iterator[Outcome]:
    return judge_invariants(INVARIANTS, case)


rule = Rule(
    "invariants_operators",
    GAINS | HARNESS,
    ("H05", "H16", "H07", "H12", "R03", "H01", "H19", "H18", "E02", "H06", "E05", "Q06"),
    (),
    check,
)
