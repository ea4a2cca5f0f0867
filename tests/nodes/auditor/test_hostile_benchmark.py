"""Operator benchmark evidence is untrusted: whatever it holds, there is a verdict, and damage is never a PASS."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankable.nodes.auditor.harness import view as harness_view
from bankable.nodes.auditor.replay import verify
from bankable.nodes.auditor.verdict import Word
from tests.nodes.auditor.builders import edit, read, read_lines, write, write_lines
from tests.nodes.auditor.harness_builders import edit_rows, honest_benchmark, judge_operator

RUNS = "bench-1/opbench_runs.jsonl"
FILES = ("task.json", "oracle.json", "bench-1/measurement.json", "bench-1/claim.json")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return honest_benchmark(tmp_path_factory.mktemp("hostile") / "run")


@FEW
@given(data=st.data())
def test_any_value_in_any_field_of_a_row_is_judged(operator: Path, data: st.DataObject) -> None:
    kept = (operator / RUNS).read_bytes()
    rows = read_lines(operator / RUNS)
    row = data.draw(st.integers(0, len(rows) - 1))
    rows[row][data.draw(st.sampled_from(sorted(rows[row])))] = data.draw(JSON)
    try:
        write_lines(operator / RUNS, rows)
        verdict = judge_operator(operator)
        assert verdict.degraded == ()
        assert verdict.to_bytes()
    finally:
        (operator / RUNS).write_bytes(kept)


@FEW
@given(data=st.data())
def test_any_value_in_any_field_of_a_file_is_judged(operator: Path, data: st.DataObject) -> None:
    path = operator / data.draw(st.sampled_from(FILES))
    kept = path.read_bytes()
    content: dict[str, Any] = read(path)
    name = data.draw(st.sampled_from(sorted(content)))
    target = content
    if isinstance(content[name], dict) and content[name] and data.draw(st.booleans()):
        target, name = content[name], data.draw(st.sampled_from(sorted(content[name])))
    target[name] = data.draw(JSON)
    try:
        write(path, content)
        verdict = judge_operator(operator)
        assert verdict.degraded == ()
        assert verdict.to_bytes()
    finally:
        path.write_bytes(kept)


@FEW
@given(cut=st.floats(0.0, 0.999))
def test_a_torn_file_is_never_a_pass(operator: Path, cut: float) -> None:
    kept = (operator / RUNS).read_bytes()
    try:
        (operator / RUNS).write_bytes(kept[: int(cut * len(kept))])
        verdict = judge_operator(operator)
        assert verdict.verdict is not Word.PASS
        assert verdict.degraded == ()
    finally:
        (operator / RUNS).write_bytes(kept)


def test_extreme_timings_give_finite_figures(operator: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(operator.parents[1], tmp_path / "run")) / "ops" / operator.name
    edit_rows(folder, lambda row: row.update(samples_ns=[1e-3] * 12))
    edit_rows(folder, lambda row: row.update(samples_ns=[1e15] * 12), lambda row: row["role"] == "reference")
    verdict = judge_operator(folder)
    assert verdict.verdict is Word.FAIL
    assert verdict.degraded == ()
    assert orjson.loads(verdict.to_bytes())["metrics"]


def test_more_rows_than_a_benchmark_has_are_not_read(operator: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness_view, "MAX_ROWS", 20)
    verdict = judge_operator(operator)
    assert verdict.verdict is Word.FAIL
    assert "too_large" in {finding.code for finding in verdict.findings}


def test_a_key_given_twice_is_a_finding(operator: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(operator.parents[1], tmp_path / "run")) / "ops" / operator.name
    path = folder / "bench-1/claim.json"
    path.write_bytes(path.read_bytes().replace(b'"speedup":', b'"speedup": 8.3, "speedup":', 1))
    assert "duplicate_key" in {finding.code for finding in judge_operator(folder).findings}


def test_the_same_benchmark_gives_the_same_bytes(operator: Path) -> None:
    assert judge_operator(operator).to_bytes() == judge_operator(operator).to_bytes()


def test_a_verdict_on_a_benchmark_is_derived_again(operator: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(operator.parents[1], tmp_path / "run"))
    folder = run / "ops" / operator.name
    (run / "audits/harness-rms_norm-1").mkdir(parents=True)
    (run / "audits/harness-rms_norm-1/verdict.json").write_bytes(judge_operator(folder).to_bytes())
    assert verify(run).ok
    edit(folder / "task.json", lambda entry: entry.update(family="other"))
    (found,) = verify(run).audits
    assert (found.status, found.detail) == ("evidence_changed", "operator/task.json changed")
