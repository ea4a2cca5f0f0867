"""``diagnose``, as a person runs it: all layers over a real kernel, and what follows from them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bankable.kernels.diagnosis.command import find_heaviest_shape, find_subject
from bankable.kernels.diagnosis.record import Advice, Diagnosis
from bankable.kernels.diagnosis.show import bar
from bankable.kernels.task.folder import TaskFolder
from bankable.tools.errors import UserError

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str, timeout: int = 600) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kernels", "diagnose", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout)


@pytest.fixture(scope="module")
def shown(norm_task: TaskFolder) -> str:
    done = run(str(norm_task.path), "--shape", "4x64")
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def test_every_layer_has_its_line(shown):
    for line in (
        "✓ · compile",
        "✓ · roof copy",
        "✓ 1 correctness right: error",
        "✓ 2 performance",
        "✓ 3 launch overhead warm",
        "✓ 3 system 1 launches, 1 allocations",
        "4 hardware counters",
        "4 hardware counters, NVIDIA",
        "4 hardware counters, AMD",
        "✓ 4 Triton, compiled sm_90: ",
        "5 intra-kernel",
        "6 accelerator",
    ):
        assert line in shown
    assert "live: 8 launches" in shown or "; live: " in shown


def test_four_rows_of_64_are_launch_overhead(shown, norm_task):
    assert "bound by latency" in shown
    assert "to try 1. fuse: a faster kernel saves" in shown
    assert "rms_norm_kernel for sm_90: unknown" in shown
    assert "of the machine's roof" in shown
    (path,) = (norm_task.path / "layers").glob("diagnosis-*.json")
    diagnosis = Diagnosis.model_validate_json(path.read_bytes())
    assert (diagnosis.bound, diagnosis.shape) == ("latency", "4x64")
    assert diagnosis.levers()["fixed_cols"] == (64,)


def test_what_was_found_is_kept_and_the_live_implementation_can_be_asked_too(shown, norm_task):
    done = run(str(norm_task.path), "--shape", "4x64", "--kernel", "live", "--layers", "quick,", timeout=300)
    assert done.returncode == 2, "quick is a word of its own"
    done = run(str(norm_task.path), "--shape", "4x64", "--kernel", "live", "--layers", "quick")
    said = " ".join(done.stdout.split())
    assert "live is Python: nothing is compiled" in said
    assert "(stored)" in said, "the roof is of the machine, and was measured"
    assert "bound by" in said


def test_the_heaviest_shape_is_looked_at_where_none_is_named(norm_task, python):
    assert find_heaviest_shape(norm_task) == "4x64", "900 calls, against none that is named"
    assert find_subject(norm_task, "", "", python, 1).choices["fixed_cols"] == 0
    assert find_subject(norm_task, "torch-compile", "", python, 1).kind == "torch_compile"
    for kernel, shape, why in (
        ("cpp-nothing", "", "Cannot find kernel 'cpp-nothing'"),
        ("", "1x1", "Cannot diagnose at 1x1"),
    ):
        with pytest.raises(UserError, match=why):
            find_subject(norm_task, kernel, shape, python, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Cannot find family ''"),
        (["/nowhere/ops/rms_norm"], "Cannot open the task: not a task folder"),
        (["--family", "softmax", "--shapes", "1x1"], "Cannot find family 'softmax'"),
        (["--family", "rms_norm"], "Cannot make a task: no served shape"),
        (["--family", "rms_norm", "--shapes", "1x1", "--dtype", "int8"], "Cannot use dtype int8"),
        (["/nowhere/ops/rms_norm", "--family", "rms_norm"], "Cannot change family or shapes of a task"),
    ],
)
def test_a_mistake_is_one_line(arguments, said):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {said}")
    assert done.stderr.count("\n") == 1


def test_a_bar_is_as_long_as_its_share():
    assert (bar(0).count("█"), bar(0.5).count("█"), bar(1.7).count("█")) == (0, 12, 24)
    assert {len(bar(share)) for share in (-1, 0.3, 2)} == {24}


def test_levers_are_the_parameters_among_the_advice():
    said = Diagnosis(
        bound="compute",
        evidence=("seen",),
        advice=(Advice(lever="algorithm", why="less"), Advice(lever="unroll", values=(2, 4), why="more")),
    )
    assert said.levers() == {"unroll": (2, 4)}
    assert Diagnosis.model_validate_json(said.model_dump_json()) == said
