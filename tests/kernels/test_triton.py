"""Triton kernels give what the definition gives: run by Triton's interpreter, where no GPU is."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kernels.families import FAMILIES
from kernels.triton_side import SHAPES
from tools.serving.environment import isolated

PROGRAM = Path(__file__).with_name("triton_probe.py")
TRIED = {
    "rms_norm": [(1, 1), (4, 256), (3, 37)], "fused_add_rms_norm": [(1, 2), (3, 37)],
    "silu_and_mul": [(1, 1), (3, 37), (2, 1100)], "rotary": [(1, 1, 1, 2), (4, 4, 2, 64), (5, 3, 1, 46)],
}  # fmt: skip
"""One element, whole blocks, tails, and rows of more than one block."""
KINDS = ("normal", "strided", "special", "zeros")
FINER = 8
"""float16 has three bits more than bf16: the same roundings are eight times smaller."""


@pytest.fixture(scope="module")
def answers(python: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """One process for all calls: Triton is imported once. bf16 is left out, which the interpreter cannot round to."""
    folder = tmp_path_factory.mktemp("triton")
    job = {"families": TRIED, "dtypes": ["float32", "float16"], "kinds": KINDS}
    done = subprocess.run(
        [str(python), str(PROGRAM), str(PROGRAM.parents[2]), json.dumps(job)], cwd=folder, capture_output=True,
        env=isolated({"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1", "TRITON_CACHE_DIR": str(folder)}),
        check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("family", TRIED)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_kernel_is_right_at_every_shape_and_input(family, dtype, answers):
    mine = [it for it in answers if (it["family"], it["dtype"]) == (family, dtype)]
    assert len(mine) == len(TRIED[family]) * len(KINDS)
    allowed = FAMILIES[family].allowed
    most = (
        allowed["float32"].relative_error if dtype == "float32" else allowed["bfloat16"].relative_error / FINER
    )  # fmt: skip
    for said in mine:
        assert said["error"] is not None, said
        assert said["error"] <= most, said
        assert all(said["outputs"])


def test_nothing_else_is_written(answers):
    assert [it for it in answers if not (it["guards"] and it["inputs_alone"])] == []


def test_there_is_a_kernel_for_each_family_that_says_so(answers):
    assert {it["family"] for it in answers} == set(SHAPES) == set(TRIED)
