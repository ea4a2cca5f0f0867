"""The commands, as a person runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bankable.kernels.operators import FAMILIES

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kernels", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)


def test_the_families_are_listed():
    done = run("families")
    assert done.returncode == 0
    assert all(name in done.stdout for name in FAMILIES)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["benchmark", "softmax", "--out", "{out}"], "Cannot find family 'softmax'"),
        (["bakeoff", "softmax", "--out", "{out}"], "Cannot find family 'softmax'"),
        (["benchmark", "rms_norm", "--out", "{out}"], "Cannot make a task: no served shape"),
        (["benchmark", "rms_norm", "--out", "{out}", "--shapes", "4x256", "--dtype", "int8"], "Cannot use dtype int8"),
        (["search", "rms_norm", "--out", "{out}", "--shapes", "4"], "Cannot use shape '4': rms_norm needs other axes"),
        (["bench", "hostile", "--out", "{out}", "--families", "softmax"], "Cannot attack softmax"),
        (["bench", "families", "--out", "{out}", "--dtype", "int8"], "Cannot use dtype int8"),
        (["bench", "policies", "{out}"], "Cannot replay: no search is recorded"),
        (["roofline", "--engine-python", "/nowhere/python"], "Cannot use the engine: engine interpreter not found"),
    ],
)
def test_a_mistake_is_one_line(arguments, said, tmp_path):
    done = run(*[argument.format(out=tmp_path / "run") for argument in arguments])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {said}")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()
