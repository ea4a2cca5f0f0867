"""Oracle tensors hold finite numbers that vary, in the types and shapes of the task (H05 H16)."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView
from bankable.nodes.auditor.invariants.evidence import benchmarks
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.invariants.tensors import TensorFacts, float_tensors
from bankable.nodes.auditor.verdict import Severity

DTYPES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32", "F64": "float64"}

MOST_FILES = 64
"""Oracle files that are read."""


def _expected(case: Case) -> Iterator[tuple[OperatorBenchmarkView, str, TensorFacts]]:
    """Floating-point tensors of the expected outputs; only scope harness holds the files."""
    for bench in benchmarks(case):
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
    for bench in benchmarks(case):
        if bench.oracle is None or bench.task is None:
            continue
        for key in bench.shapes:
            count = sum(file.shape == key for file in bench.oracle.files)
            yield ValuePair(float(count), 1.0, bench.path("oracle.json"))


def _own_tensors(case: Case) -> Iterator[ValuePair]:
    """No two oracle files have the same bytes."""
    for bench in benchmarks(case):
        first: dict[str, str] = {}
        for file in bench.oracle.files if bench.oracle is not None else ():
            owner = first.setdefault(file.sha256, file.name)
            yield ValuePair(
                f"the bytes of {owner}" if owner != file.name else owner, file.name, bench.path("oracle.json")
            )


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
)
