"""Triton kernels give what the definition gives: run by Triton's interpreter, where no GPU is."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bankable.kernels.operators import FAMILIES
from bankable.tools.serving.environment import isolate_environment

PROGRAM = Path(__file__).with_name("triton_probe.py")
TRIED = {
    "rms_norm": [(1, 1), (4, 256), (3, 37)],
    "fused_add_rms_norm": [(1, 2), (3, 37)],
    "silu_and_mul": [(1, 1), (3, 37), (2, 1100)],
    "rotary": [(1, 1, 1, 2), (4, 4, 2, 64), (5, 3, 1, 46)],
    "qk_norm_rotary": [(1, 1, 1, 2), (4, 4, 2, 64), (5, 3, 1, 46)],
    "decode_attention": [(1, 1, 1, 16, 1), (3, 4, 2, 64, 70), (2, 6, 2, 46, 300)],
    "linear": [(1, 1, 1), (4, 96, 64), (5, 37, 301), (64, 48, 40)],
    "prefill_linear": [(65, 1, 1), (70, 37, 67), (130, 96, 64)],
    "top_k_sampling": [(1, 1, 1), (2, 40, 7), (1, 2500, 50)],
}
"""One element, whole blocks, tails, and rows of more than one block, or of more than one piece."""
KINDS = ("normal", "strided", "special", "zeros")
CHOICES = {"silu_and_mul": 3, "decode_attention": 12, "linear": 9, "prefill_linear": 8, "top_k_sampling": 3}
"""How many ways a kernel can be made that differ in more than warps and stages."""
FP32 = "top_k_sampling"
"""Has no other dtype."""
FINER = 8
"""float16 has three bits more than bf16: the same roundings are eight times smaller."""


@pytest.fixture(scope="module")
def answers(python: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """One process for all calls: Triton is imported once. bf16 is left out, which the interpreter cannot round to."""
    folder = tmp_path_factory.mktemp("triton")
    finer = [name for name in TRIED if "bfloat16" in FAMILIES[name].allowed]
    job = {"families": TRIED, "finer": finer, "kinds": KINDS}
    done = subprocess.run(
        [str(python), str(PROGRAM), str(PROGRAM.parents[3]), json.dumps(job)],
        cwd=folder,
        capture_output=True,
        env=isolate_environment({"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1", "TRITON_CACHE_DIR": str(folder)}),
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("family", "dtype"), [(name, "float32") for name in TRIED] + [(name, "float16") for name in TRIED if name != FP32]
)
def test_a_kernel_is_right_at_every_shape_and_input_and_with_every_choice(family, dtype, answers):
    mine = [answer for answer in answers if (answer["family"], answer["dtype"]) == (family, dtype)]
    ways = {json.dumps(entry["choices"]) for entry in mine}
    assert len(ways) == CHOICES.get(family, 1)
    assert len(mine) == len(TRIED[family]) * (len(KINDS) + len(ways) - 1)
    allowed = FAMILIES[family].allowed
    most = allowed["float32"].relative_error if dtype == "float32" else allowed["bfloat16"].relative_error / FINER
    for said in mine:
        assert said["error"] is not None, said
        assert said["error"] <= most, said
        assert all(said["outputs"])


def test_nothing_else_is_written(answers):
    assert [answer for answer in answers if not (answer["guards"] and answer["inputs_alone"])] == []


def test_there_is_a_kernel_for_each_family(answers):
    assert {answer["family"] for answer in answers} == set(FAMILIES)
