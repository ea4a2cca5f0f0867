"""The measurement on a GPU: rehearsed where there is none, and its figures follow from the file of samples."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bankable.kernels.benchmark.gpu import GpuTiming, Provenance, measure_gpu
from bankable.kernels.benchmark.gpu_table import build_gpu_table, ratio, share_of_copies
from bankable.kernels.cli import app
from bankable.kernels.operators import FAMILIES
from bankable.tools.errors import UserError
from tests.kernels.operators.sizes import REHEARSED

FP32 = dict.fromkeys(FAMILIES, "float32")
ABOUT = Provenance(device="a GPU", copy_bandwidth=2e12)


def timed(name: str, samples: list[float], **values: object) -> GpuTiming:
    settings = {"family": "rms_norm", "shape": "4x256", "bytes_moved": 2_000_000, "allowed": 1e-2, "error": 1e-3}
    return GpuTiming.model_validate({**settings, "implementation": name, "samples_s": samples, **values})


@pytest.mark.long
def test_a_rehearsal_runs_every_kernel_and_times_nothing(python: Path, tmp_path: Path) -> None:
    assert set(REHEARSED) == set(FAMILIES)
    out = tmp_path / "results.jsonl"
    about, found = measure_gpu(REHEARSED, FP32, python, out, rounds=1, samples=1, rehearse=True)
    assert about.copy_bandwidth is None
    results = [entry for entry in found if not entry.look]
    assert [(result.family, result.implementation) for result in results] == [
        (name, by) for name in REHEARSED for by in ("triton", "torch")
    ]
    assert all(element.right and element.samples_s == () for element in found), [item.failed for item in found]
    looked = Counter(member.family for member in found if member.look)
    assert looked["silu_and_mul"] == 3 * 5, "three blocks, five numbers of warps"
    assert all(looked[name] > 1 for name in REHEARSED)
    first, *rest = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(first["sources"]) == 64
    assert len(rest) == len(found)


def test_a_rehearsal_in_bfloat16_says_that_it_takes_another_dtype(tmp_path: Path) -> None:
    out = tmp_path / "x.jsonl"
    asked = ["gpu", "--rehearse", "--family", "silu_and_mul", "--shapes", "3x37", "--dtype", "bfloat16"]
    done = CliRunner().invoke(app, [*asked, "--rounds", "1", "--samples", "1", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "rehearsed in float32: Triton's interpreter does not round bfloat16 as a GPU does" in done.output
    results = [GpuTiming.model_validate_json(line) for line in out.read_bytes().splitlines()[1:]]
    assert {result.dtype for result in results} == {"float32"}
    assert all(entry.right for entry in results)


def test_nothing_measured_is_overwritten(python: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.jsonl"
    out.write_text("kept")
    with pytest.raises(UserError, match="Cannot write results: the file exists"):
        measure_gpu({"rms_norm": [(1, 1)]}, FP32, python, out, rounds=1, samples=1, rehearse=True)
    assert out.read_text() == "kept"


def test_without_a_gpu_one_line_says_what_to_do(python: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Cannot measure: no GPU .*kernels offline"):
        measure_gpu({"rms_norm": [(1, 1)]}, FP32, python, tmp_path / "x.jsonl", rounds=1, samples=1)
    assert not (tmp_path / "x.jsonl").exists()


def test_shapes_belong_to_one_family(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["gpu", "--out", str(tmp_path / "x.jsonl"), "--shapes", "4x256"])
    assert isinstance(done.exception, UserError)
    assert "Cannot use --shapes without a family" in str(done.exception)


def test_a_share_is_bytes_over_what_copies_move_in_that_time() -> None:
    assert share_of_copies(ABOUT, timed("triton", [2e-6, 1e-6, 4e-6])) == pytest.approx(0.5)
    assert share_of_copies(Provenance(device="", copy_bandwidth=None), timed("triton", [1e-6])) is None


def test_a_ratio_has_an_interval_that_holds_it() -> None:
    spread = [1e-6 * (1 + 0.01 * step) for step in range(-20, 21)]
    value, low, high = ratio(timed("torch", [2 * entry for entry in spread]), timed("triton", spread))
    assert value == pytest.approx(2.0)
    assert 1.7 < low < 2.0 < high < 2.3


def test_a_wrong_kernel_gets_no_figure() -> None:
    shown = build_gpu_table(ABOUT, [timed("triton", [1e-6], error=0.5), timed("torch", [2e-6])])
    cells = [list(column.cells) for column in shown.columns]
    assert cells[2] == ["–"]
    assert cells[3] == ["wrong"]


def test_a_first_look_is_no_result() -> None:
    shown = build_gpu_table(
        ABOUT, [timed("triton", [1e-6]), timed("torch", [2e-6]), timed("triton", [1e-7], look=True)]
    )
    assert [list(column.cells)[:1] for column in shown.columns][2] == ["1.00"]
    assert shown.row_count == 1
