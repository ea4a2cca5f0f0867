"""An audit of somebody's eval_results.json: what its figures contradict is refused, what is missing is doubted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bankable.kernels.kernelbench.audit import audit_entries, fast_shares
from bankable.kernels.kernelbench.result import BenchResult
from bankable.kernels.kernelbench.their_files import (
    EvalEntry,
    RuntimeStats,
    level_of,
    read_baseline,
    read_eval_results,
)
from bankable.tools.errors import UserError

H100 = "NVIDIA H100 80GB HBM3"


def entry(mean: float = 1.0, **values: Any) -> dict[str, Any]:
    """A correct sample as KernelBench writes it; ``mean``: milliseconds."""
    stats = {"mean": mean, "std": 0.01, "min": mean * 0.98, "max": mean * 1.03, "num_trials": 100, "hardware": H100}
    metadata = {"hardware": H100, "correctness_trials": "(5 / 5)", "max_difference": ["0.000010"] * 5}
    changed = {name: values.pop(name) for name in ("metadata", "runtime_stats") if name in values}
    return {
        "sample_id": 0,
        "compiled": True,
        "correctness": True,
        "metadata": metadata | changed.get("metadata", {}),
        "runtime": mean,
        "runtime_stats": stats | changed.get("runtime_stats", {}),
        **values,
    }


def verdicts(*entries: dict[str, Any], **arguments: Any) -> list[tuple[str, list[str]]]:
    read = [EvalEntry.model_validate(value) for value in entries]
    audits = audit_entries({23: read}, {"23_Softmax.py": RuntimeStats(mean=2.0, hardware=H100)}, **arguments)
    return [(audit.verdict, [finding.partition(":")[0] for finding in audit.findings]) for audit in audits]


def test_an_honest_entry_stands() -> None:
    assert verdicts(entry()) == [("stands", [])]


@pytest.mark.parametrize(
    ("values", "verdict", "rule"),
    [
        ({"compiled": False}, "refused", "contradiction"),
        ({"metadata": {"runtime_error": "illegal access"}}, "refused", "contradiction"),
        ({"metadata": {"correctness_trials": "(4 / 5)"}}, "refused", "failed_trials"),
        ({"metadata": {"correctness_trials": "(1 / 1)"}}, "doubted", "few_trials"),
        ({"metadata": {"correctness_trials": None}}, "doubted", "few_trials"),
        ({"metadata": {"max_difference": ["nan"]}}, "refused", "not_finite"),
        ({"metadata": {"excessive_speedup": True}}, "doubted", "excessive"),
        ({"runtime": 0.5}, "refused", "contradiction"),
        ({"runtime": -1.0}, "doubted", "not_timed"),
        ({"runtime_stats": {"min": 1.5}}, "refused", "contradiction"),
        ({"runtime_stats": {"hardware": "NVIDIA A100"}}, "doubted", "other_hardware"),
    ],
)
def test_what_is_said_against_an_entry(values: dict[str, Any], verdict: str, rule: str) -> None:
    ((got, rules),) = verdicts(entry(**values))
    assert (got, rules) == (verdict, [rule])


def test_a_time_that_no_memory_serves_is_refused() -> None:
    moved = {23: 12_884_901_888}
    assert verdicts(entry(4.5), moved_bytes=moved) == [("stands", [])]
    assert verdicts(entry(3.0), moved_bytes=moved) == [("refused", ["faster_than_memory"])]
    assert verdicts(entry(0.15, runtime_stats={"hardware": "a card"}), moved_bytes=moved)[0][0] == "doubted"


def test_two_entries_of_one_sample_are_one() -> None:
    assert verdicts(entry(), entry()) == [("stands", []), ("refused", ["duplicate"])]


def test_our_own_verdicts_and_weak_problems_count() -> None:
    head = {"level": 1, "problem": 23, "name": "23_Softmax.py", "problem_digest": "0"}
    failed = BenchResult(**head, sample=0, verdict="FAIL", why="constant_output: 0 everywhere")
    weak = BenchResult(**head, verdict="unverifiable", weak=("zeros",))
    assert verdicts(entry(), results=[failed]) == [("refused", ["failed_here"])]
    assert verdicts(entry(), results=[weak]) == [("doubted", ["weak_tolerance"])]


def test_an_entry_that_claims_nothing_is_not_accused() -> None:
    assert verdicts(entry(correctness=False, compiled=False, runtime=-1.0)) == [("stands", [])]


def test_fast_p_counts_what_stands() -> None:
    entries = {
        1: [EvalEntry.model_validate(entry(1.0))],
        2: [EvalEntry.model_validate(entry(1.0, compiled=False))],
        3: [EvalEntry.model_validate(entry(4.0))],
        4: [EvalEntry.model_validate(entry(correctness=False))],
    }
    baseline = {f"{number}_X.py": RuntimeStats(mean=2.0, hardware=H100) for number in entries}
    audits = audit_entries(entries, baseline)
    assert fast_shares(audits, 1.0) == (0.5, 0.25)
    assert fast_shares(audits, 0.0) == (0.75, 0.5)


def test_files_are_read_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "level1" / "eval_results.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"23": [entry()], "7": entry()}))
    read = read_eval_results(path)
    assert {number: len(samples) for number, samples in read.items()} == {23: 1, 7: 1}
    assert level_of(path) == 1
    baseline = tmp_path / "baseline.json"
    baseline.write_text(json.dumps({"level1": {"23_Softmax.py": {"mean": 2.0, "hardware": H100}}}))
    assert read_baseline(baseline, 1)["23_Softmax.py"].mean == 2.0
    with pytest.raises(UserError, match="no level2"):
        read_baseline(baseline, 2)


@pytest.mark.parametrize("text", ["[]", "{", '{"x": []}', '{"1": [{"runtime": "fast"}]}'])
def test_what_cannot_be_read_is_a_user_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "eval_results.json"
    path.write_text(text)
    with pytest.raises(UserError, match="Cannot read the results"):
        read_eval_results(path)
