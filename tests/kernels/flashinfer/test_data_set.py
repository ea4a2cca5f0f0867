"""flashinfer-bench's data sets: a benchmark goes out and comes back; what does not show its claim is told."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bankable.kernels.benchmark.candidate import LIVE
from bankable.kernels.build.render import render
from bankable.kernels.cli import app
from bankable.kernels.flashinfer.read import audit_traces, read_data_set
from bankable.kernels.flashinfer.write import symbolic_shapes, write_data_set
from bankable.kernels.operators import FAMILIES
from bankable.kernels.search.policy_bench import RECORDED
from bankable.tools.errors import UserError


def row(implementation: str, us: float, shape: str, **values: Any) -> dict[str, Any]:
    """A row of an operator benchmark, sound unless changed."""
    source = {"path": "x", "digest": "0" * 64}
    check = {
        "pid": 1,
        "checked_calls": 4,
        "secret_seeds": 4,
        "elements": 1024,
        "relative_error": 0.002,
        "mismatch_share": 0.0,
        "error_vs_live": 0.0,
        "poison_intact": True,
        "ran_before_expected": True,
        "changes_with_input": True,
        "same_pointer_recheck": True,
    }
    return {
        "run_id": "r",
        "operator": "rms_norm",
        "role": "reference" if implementation == LIVE else "candidate",
        "backend": "native",
        "implementation": implementation,
        "source": source,
        "resolved": source,
        "executed": implementation,
        "shape": shape,
        "round": 0,
        "pid": 1,
        "started": 1.0,
        "ended": 2.0,
        "launch_mode": "eager",
        "timer": "perf_counter_ns",
        "warmup_calls": 1,
        "timed_calls": 3,
        "samples_ns": [us * 1e3] * 3,
        "cache": "rotated",
        "intact": {"clock": True, "synchronize": True, "checker": True},
        "correctness": None if implementation == LIVE else check,
        "bytes_moved": 1,
        "flops": 1,
        **values,
    }


@pytest.fixture
def benchmarked(tmp_path: Path) -> Path:
    """A run folder with an operator benchmark of two kernels, one of which failed."""
    folder = tmp_path / "run"
    shutil.copytree(RECORDED, folder)
    operator = folder / "ops" / "rms_norm"
    shape = json.loads((operator / "task.json").read_text())["shapes"][0]["key"]
    source = render(FAMILIES["rms_norm"], "bfloat16")
    (operator / "candidates").mkdir()
    (operator / "candidates" / f"{source.implementation}.cpp").write_text(source.text)
    (operator / "bench-1").mkdir()
    rows = [
        row(LIVE, 8.0, shape),
        row(source.implementation, 2.0, shape),
        row("cpp-111111111111", 1.0, shape, raised="wall_limit: 600 s", samples_ns=[], correctness=None),
    ]
    (operator / "bench-1" / "opbench_runs.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in rows))
    return folder


def test_a_benchmark_goes_out_and_comes_back(benchmarked: Path, tmp_path: Path) -> None:
    write_data_set(benchmarked, tmp_path / "out")
    data = read_data_set(tmp_path / "out")
    (definition,) = data.definitions.values()
    assert definition.inputs["x"].shape == ["rows", "cols"]
    assert any(
        isinstance(node, ast.FunctionDef) and node.name == "run" for node in ast.parse(definition.reference).body
    )
    (solution,) = data.solutions.values()
    assert solution.sources[0].content.startswith("//")
    assert {trace.solution: trace.evaluation.status for trace in data.traces if trace.evaluation} == {
        solution.name: "PASSED",
        "cpp-111111111111": "RUNTIME_ERROR",
    }
    (audit,) = audit_traces(data)
    assert (audit.verdict, audit.speedup, audit.why) == ("stands", 4.0, "")
    text = next((tmp_path / "out" / "traces").rglob("*.jsonl")).read_text()
    assert '"max_absolute_error":"NaN"' in text, "what was not measured is not zero"
    assert all(trace.solution is None for trace in data.workloads)


def test_axes_have_names_where_sizes_are_the_familys() -> None:
    inputs, outputs = symbolic_shapes(FAMILIES["silu_and_mul"])
    assert (inputs, outputs) == ({"x": ["rows", "x_1"]}, {"out": ["rows", "cols"]})
    for family in FAMILIES.values():
        for shape in (*symbolic_shapes(family)[0].values(), *symbolic_shapes(family)[1].values()):
            assert all(axis.isidentifier() for axis in shape)


@pytest.mark.parametrize(
    ("place", "value", "verdict"),
    [
        (("performance", "speedup_factor"), 40.0, "refused"),
        (("performance", "speedup_factor"), 0.0, "refused"),
        (("performance", "latency_ms"), 0.0, "refused"),
        (("correctness", "max_relative_error"), "Infinity", "refused"),
        (("correctness", "max_relative_error"), "NaN", "doubted"),
    ],
)
def test_a_trace_that_does_not_show_its_claim_is_told(
    place: tuple[str, str], value: object, verdict: str, benchmarked: Path, tmp_path: Path
) -> None:
    write_data_set(benchmarked, tmp_path / "out")
    path = next((tmp_path / "out" / "traces").rglob("*.jsonl"))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["evaluation"][place[0]][place[1]] = value
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (audit,) = audit_traces(read_data_set(tmp_path / "out"))
    assert audit.verdict == verdict, audit.why
    done = CliRunner().invoke(app, ["flashinfer", str(tmp_path / "out")])
    assert done.exit_code == (21 if verdict == "refused" else 0)


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no definition"):
        read_data_set(tmp_path)
    with pytest.raises(UserError, match="no operator benchmark"):
        write_data_set(tmp_path, tmp_path / "out")
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "x.json").write_text("{}")
    with pytest.raises(UserError, match="Cannot read the data set"):
        read_data_set(tmp_path)
