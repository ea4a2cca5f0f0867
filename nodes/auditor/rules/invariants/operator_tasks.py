"""The task is as it was captured on the live server; what gave wrong outputs before is not kept later (H06 Q06)."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView, OpRow
from bankable.nodes.auditor.invariants.evidence import benchmarks
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair

COVERED = 0.85
"""Share of the captured calls that the served shapes of a task hold at least."""


def _captured_calls(case: Case) -> Iterator[ValuePair]:
    """Calls of each served shape of the task against those that were captured."""
    for bench in benchmarks(case):
        counted = bench.capture.by_key if bench.capture is not None else {}
        for key, calls in bench.served.items() if counted else ():
            yield ValuePair(float(calls), float(counted.get(key.partition(":")[0], 0)), bench.path("task.json"))


def _captured_share(case: Case) -> Iterator[ValuePair]:
    """Calls of the served shapes together against all that were captured."""
    for bench in benchmarks(case):
        if bench.capture is not None and bench.served:
            total = bench.capture.other_calls + sum(bench.capture.by_key.values())
            yield ValuePair(float(sum(bench.served.values())), COVERED * total, bench.path("capture.json"))


def _rejected(case: Case) -> Iterator[ValuePair]:
    """The winner's source against every source that an earlier attempt found to give wrong outputs."""
    for bench in benchmarks(case):
        kept = {row.run.source.digest for row in bench.winning}
        for file, rows in bench.earlier.items():
            for row in rows:
                if row.run.role == "candidate" and _is_wrong(bench, row):
                    same = row.run.source.digest in kept
                    left = row.run.source.digest if same else "another source"
                    yield ValuePair(left, row.run.source.digest, file, row.line)


def _is_wrong(bench: OperatorBenchmarkView, row: OpRow) -> bool:
    """Whether the checker found more wrong elements in a row than the task tolerates."""
    result = row.run.correctness
    if result is None or bench.task is None:
        return False
    allowed = bench.task.tolerance
    beyond = result.mismatch_share > allowed.mismatch_share
    return (
        beyond
        or result.relative_error is None
        or (result.mismatch_share == 0 and result.relative_error > allowed.relative_error)
    )


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="captured_calls",
        left="task.json: calls of a served shape",
        relation=Relation.EQUAL,
        right="capture.json: calls of this shape",
        tolerance=0.0,
        reason="a count, copied when the task is written",
        mode="H06",
        read=_captured_calls,
    ),
    Invariant(
        id="captured_share",
        left="task.json: calls of all served shapes",
        relation=Relation.AT_LEAST,
        right="capture.json: 85 % of all calls",
        tolerance=0.0,
        reason="a task takes shapes until they hold 90 % of the calls",
        mode="H06",
        read=_captured_share,
    ),
    Invariant(
        id="rejected_before",
        left="opbench_runs.jsonl: source digest of the winner",
        relation=Relation.DISTINCT,
        right="earlier attempts: source digest of an implementation with wrong outputs",
        tolerance=0.0,
        reason="the same source gives the same outputs",
        mode="Q06",
        read=_rejected,
    ),
)
