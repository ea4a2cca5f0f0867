"""Triton kernels give what the definition gives: run by Triton's interpreter, where no GPU is."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bankable.kernels.operators import FAMILIES
from bankable.tools.serving.environment import isolate_environment
from tests.kernels.operators.sizes import INTERPRETED

PROGRAM = Path(__file__).with_name("triton_probe.py")
KINDS = ("normal", "strided", "special", "zeros")
CHOICES = {"silu_and_mul": 3, "decode_attention": 12, "linear": 9, "prefill_linear": 8, "top_k_sampling": 3}
"""How many ways a kernel can be made that differ in more than warps and stages."""
FP32 = "top_k_sampling"
"""Has no other dtype."""
FINER = 8
"""float16 has three bits more than bf16: the same roundings are eight times smaller."""


Tried = list[dict[str, Any]]


def call_kernels(
    python: Path, folder: Path, dtype: str, families: dict[str, list[tuple[int, ...]]], *, choices_everywhere: bool
) -> Tried:
    """One process for all calls: Triton is imported once. bf16 is left out, which the interpreter cannot round to."""
    job = {"families": families, "dtype": dtype, "kinds": KINDS, "choices_everywhere": choices_everywhere}
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


@pytest.fixture(scope="module")
def answers(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """In float32, every family; choices other than the default at the last shape only."""
    folder = tmp_path_factory.mktemp("triton")
    return call_kernels(python, folder, "float32", INTERPRETED, choices_everywhere=False)


@pytest.fixture(scope="module")
def finer_answers(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """In float16, with every choice at every shape."""
    families = {name: shapes for name, shapes in INTERPRETED.items() if name != FP32}
    return call_kernels(python, tmp_path_factory.mktemp("triton"), "float16", families, choices_everywhere=True)


def assert_right(family: str, tried: Tried, most: float, shapes_with_choices: int) -> None:
    """Every shape, input and choice was tried, and gave what the definition gives; nothing else was written."""
    mine = [answer for answer in tried if answer["family"] == family]
    ways = {json.dumps(entry["choices"]) for entry in mine}
    assert len(ways) == CHOICES.get(family, 1)
    assert len(mine) == len(INTERPRETED[family]) * len(KINDS) + shapes_with_choices * (len(ways) - 1)
    for answer in mine:
        assert answer["error"] is not None, answer
        assert answer["error"] <= most, answer
        assert all(answer["outputs"])
        assert answer["guards"], answer
        assert answer["inputs_alone"], answer


@pytest.mark.parametrize("family", INTERPRETED)
def test_a_kernel_is_right_at_every_shape_and_input_and_with_every_choice(family, answers):
    assert_right(family, answers, FAMILIES[family].allowed["float32"].relative_error, 1)


@pytest.mark.long
@pytest.mark.parametrize("family", [name for name in INTERPRETED if name != FP32])
def test_the_same_in_float16(family, finer_answers):
    assert_right(
        family, finer_answers, FAMILIES[family].allowed["bfloat16"].relative_error / FINER, len(INTERPRETED[family])
    )


def test_there_is_a_kernel_for_each_family(answers):
    assert {answer["family"] for answer in answers} == set(FAMILIES)
