"""The builders of operator benchmarks, under one roof for the tests of scope harness."""

from __future__ import annotations

from pathlib import Path

from bankable.evals.fixtures.build.benchmark import BenchmarkSpec, write_benchmark
from bankable.evals.fixtures.build.benchmark_edits import (
    HELD_OUT,
    LOSER,
    REFERENCE,
    WINNER,
    change_claim,
    checker_says,
    edit_rows,
    every,
    row_is,
    rows_say,
    slow_down,
)
from bankable.nodes.auditor.verdict import Verdict
from tests.nodes.auditor.builders import RUN_ID, judge, write

__all__ = [
    "HELD_OUT",
    "LOSER",
    "REFERENCE",
    "WINNER",
    "change_claim",
    "checker_says",
    "edit_rows",
    "every",
    "honest_benchmark",
    "judge_operator",
    "row_is",
    "rows_say",
    "slow_down",
]


def honest_benchmark(root: Path, spec: BenchmarkSpec | None = None) -> Path:
    """A run folder with one operator benchmark; returns the operator's folder."""
    write(root / "run.json", {"schema_version": 1, "run_id": RUN_ID, "config": {}})
    return write_benchmark(root, spec)


def judge_operator(folder: Path, attempt: int = 1) -> Verdict:
    """Judge an operator's folder in scope harness."""
    return judge(folder.parents[1], "harness", folder.name, attempt, enter=False)
