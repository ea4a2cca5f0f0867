"""The CPU stand-in for sglang's kernel package."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from bankable.tools.serving.engine import STANDIN

ENGINE_PYTHON = Path(__file__).resolve().parents[3] / ".venv-engine" / "bin" / "python"

AGAINST_REFERENCE = """
import random, sys
sys.path.insert(0, sys.argv[1])
import torch
from sgl_kernel import assign_req_to_token_pool_cpu
random.seed(0)
for case in range(200):
    rows, width, count = random.randint(1, 9), random.randint(1, 20), 0
    table = torch.full((rows, width), -1, dtype=torch.int32)
    chosen = random.sample(range(rows), random.randint(0, rows))
    spans = [sorted((random.randint(0, width), random.randint(0, width))) for _ in chosen]
    slots = torch.randint(0, 10**6, (sum(b - a for a, b in spans),), dtype=torch.int64)
    expected = table.tolist()
    for row, (first, last) in zip(chosen, spans):
        for column in range(first, last):
            expected[row][column] = int(slots[count])
            count += 1
    start, end = (torch.tensor([span[side] for span in spans], dtype=torch.int64) for side in (0, 1))
    assign_req_to_token_pool_cpu(torch.tensor(chosen, dtype=torch.int64), table, start, end, slots, width)
    assert table.tolist() == expected, case
assert not hasattr(torch.ops.sgl_kernel, "weight_packed_linear")
print("equal")
"""


@pytest.fixture
def standin() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sgl_kernel_standin", STANDIN / "sgl_kernel" / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_any_cpu_kernel_can_be_imported_and_says_its_name_when_called(standin: ModuleType) -> None:
    with pytest.raises(NotImplementedError, match=r"sgl_kernel\.rmsnorm_cpu: this kernel is not in the CPU stand-in"):
        standin.rmsnorm_cpu(1, eps=2)


def test_nothing_else_is_pretended(standin: ModuleType) -> None:
    with pytest.raises(AttributeError, match="no attribute 'rmsnorm'"):
        standin.rmsnorm  # noqa: B018 - the look-up is the test


@pytest.mark.skipif(not ENGINE_PYTHON.exists(), reason="needs the engine's environment (torch)")
def test_the_token_table_is_written_as_a_direct_loop_writes_it() -> None:
    done = subprocess.run(
        [str(ENGINE_PYTHON), "-c", AGAINST_REFERENCE, str(STANDIN)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.strip() == "equal", done.stderr
