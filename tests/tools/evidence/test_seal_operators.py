"""What an audit of an operator, or of a patch that replaces one, takes along."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from bankable.evals.fixtures.build.benchmark import BenchmarkSpec, write_benchmark
from bankable.tools.errors import UserError
from bankable.tools.evidence.seal import seal
from tests.nodes.auditor.kernel_builders import OPERATOR, PATCH, kernel_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kernel_run(tmp_path_factory.mktemp("kernel") / "run")


def test_a_benchmark_is_sealed_with_its_task_and_tensors(run: Path, tmp_path: Path) -> None:
    sealed = seal(run, "harness", OPERATOR, 1, tmp_path / "s")
    assert set(sealed.digests) == {
        "request.json",
        "operator/task.json",
        "operator/oracle.json",
        "operator/measurement.json",
        "operator/opbench_runs.jsonl",
        "operator/claim.json",
        *(f"operator/oracle/{key}.safetensors" for key in ("4x256", "8x256", "128x256", "5x256")),
    }
    assert (sealed.request.comparison, sealed.request.control) == (OPERATOR, None)


def test_each_attempt_is_sealed_by_itself(run: Path, tmp_path: Path) -> None:
    write_benchmark(run, BenchmarkSpec(attempt=3, seed=99))
    first, third = (seal(run, "harness", OPERATOR, attempt, tmp_path / str(attempt)) for attempt in (1, 3))
    assert first.digests["operator/task.json"] == third.digests["operator/task.json"]
    assert first.digests["operator/opbench_runs.jsonl"] != third.digests["operator/opbench_runs.jsonl"]
    assert "operator/claim.json" not in seal(run, "harness", OPERATOR, 2, tmp_path / "2").digests


def test_rows_of_earlier_attempts_come_along(run: Path, tmp_path: Path) -> None:
    write_benchmark(run, BenchmarkSpec(attempt=3, seed=99))
    first, third = (seal(run, "harness", OPERATOR, attempt, tmp_path / str(attempt)).digests for attempt in (1, 3))
    earlier = [name for name in third if "/earlier/" in name]
    assert earlier == ["operator/earlier/1/opbench_runs.jsonl"], "there is no second attempt"
    assert third[earlier[0]] == first["operator/opbench_runs.jsonl"]
    assert not [name for name in first if "/earlier/" in name]


def test_no_other_file_of_the_oracle_folder_is_taken(run: Path, tmp_path: Path) -> None:
    left = run / f"ops/{OPERATOR}/oracle/inputs.pt"
    left.write_bytes(b"\x80\x04.")
    try:
        names = seal(run, "harness", OPERATOR, 1, tmp_path / "s").digests
        assert not [name for name in names if name.endswith(".pt")]
    finally:
        left.unlink()


def test_a_tensor_that_links_out_of_the_run_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"secret")
    link = run / f"ops/{OPERATOR}/oracle/x.safetensors"
    link.symlink_to(tmp_path / "x.safetensors")
    try:
        with pytest.raises(UserError, match="links out"):
            seal(run, "harness", OPERATOR, 1, tmp_path / "s")
    finally:
        link.unlink()


def test_a_patch_takes_the_benchmarks_that_its_plan_names(run: Path, tmp_path: Path) -> None:
    names = {name for name in seal(run, "patch", PATCH, 1, tmp_path / "s").digests if name.startswith("operators/")}
    assert names == {
        f"operators/{OPERATOR}/{name}"
        for name in ("task.json", "oracle.json", "measurement.json", "opbench_runs.jsonl", "claim.json", "verdict.json")
    }


@pytest.mark.parametrize(
    "overlays",
    [
        {"../../etc": {"bench": 1}},
        {OPERATOR: {"bench": "many"}},
        {OPERATOR: 3},
        [OPERATOR],
        {OPERATOR: {}},
        {OPERATOR: {"bench": 10**30}},
        {OPERATOR: {"bench": -1}},
        None,
    ],
    ids=str,
)
def test_a_senseless_plan_names_nothing(run: Path, tmp_path: Path, overlays: object) -> None:
    folder = tmp_path / "run/comparisons/patch-x"
    folder.mkdir(parents=True)
    (tmp_path / "run/run.json").write_bytes(orjson.dumps({"run_id": "r1"}))
    plan = orjson.dumps({"lever": {"overlays": overlays}}) if overlays != {OPERATOR: {"bench": 10**30}} else None
    (folder / "plan.json").write_bytes(plan or b'{"lever": {"overlays": {"rms_norm": {"bench": 1%s}}}}' % (b"0" * 30))
    sealed = seal(tmp_path / "run", "patch", "patch-x", 1, tmp_path / "s")
    assert not [name for name in sealed.digests if name.startswith("operators/")]
