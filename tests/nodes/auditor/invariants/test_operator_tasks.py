"""An implementation that was rejected for its outputs is not kept by a later attempt with the same source."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.evals.fixtures.build.benchmark import BenchmarkSpec, write_benchmark
from bankable.evals.fixtures.build.benchmark_edits import WINNER, checker_says
from bankable.evals.fixtures.build.files import write
from bankable.evals.fixtures.build.run import RUN_ID
from bankable.evals.fixtures.judge import judge
from bankable.nodes.auditor.verdict import Severity

OPERATOR = "rms_norm"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two attempts at one operator, both won by the same source."""
    root = tmp_path / "run"
    write(root / "run.json", {"schema_version": 1, "run_id": RUN_ID, "config": {}})
    for attempt in (1, 2):
        write_benchmark(root, BenchmarkSpec(attempt=attempt))
    return root


def accusing(run: Path, attempt: int) -> list[tuple[str, tuple[tuple[str, int | None], ...]]]:
    verdict = judge(run, "harness", OPERATOR, attempt)
    return [
        (finding.code, tuple((place.file, place.line) for place in finding.evidence))
        for finding in verdict.findings
        if finding.severity is Severity.FAIL
    ]


def test_two_right_attempts_say_nothing(run: Path) -> None:
    assert accusing(run, 2) == []


def test_a_source_that_was_wrong_before_is_found_with_its_row(run: Path) -> None:
    checker_says(WINNER, relative_error=0.5, mismatch_share=0.02)(run / "ops" / OPERATOR)
    (found,) = accusing(run, 2)
    assert found[0] == "rejected_before"
    ((file, line),) = found[1]
    assert file == "operator/earlier/1/opbench_runs.jsonl"
    assert line is not None
