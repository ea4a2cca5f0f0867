"""What the engine's own interpreter says about a kernel package: packages written here, with real operators."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bankable.tools.serving.engine import PROBE
from bankable.tools.serving.environment import isolate_environment

ENGINE_PYTHON = Path(__file__).resolve().parents[3] / ".venv-engine" / "bin" / "python"
pytestmark = pytest.mark.skipif(not ENGINE_PYTHON.exists(), reason="needs the engine's environment (torch)")

OPERATORS = """
from torch import library
registry = library.Library("sgl_kernel", "FRAGMENT")
for name in ("convert_weight_packed", "weight_packed_linear", "decode_attention_cpu"):
    registry.define(f"{name}(Tensor x) -> Tensor")
    registry.impl(name, lambda x: x, "CPU")
"""
ASK = """
import json, sys
sys.path.insert(0, sys.argv[1])
import engine_probe
print(json.dumps(engine_probe.kernel_package("cpu")))
"""


def probe(folder: Path, source: str | None) -> Any:
    """The probe's answer about a package ``sgl_kernel`` with this source, installed as ``my-kernels`` 1.2."""
    if source is not None:
        (folder / "sgl_kernel").mkdir()
        (folder / "sgl_kernel" / "__init__.py").write_text(source)
        info = folder / "my_kernels-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-kernels\nVersion: 1.2\n")
        (info / "top_level.txt").write_text("sgl_kernel\n")
    done = subprocess.run(
        [str(ENGINE_PYTHON), "-c", ASK, str(PROBE.parent)],
        env=isolate_environment({"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_registered_operators_are_named(tmp_path: Path) -> None:
    package = probe(tmp_path, OPERATORS)
    assert (package["name"], package["version"], package["problem"]) == ("my-kernels", "1.2", "")
    assert package["operators"] == ["convert_weight_packed", "decode_attention_cpu", "weight_packed_linear"]
    assert package["folder"] == str(tmp_path / "sgl_kernel")
    assert isinstance(package["live"], bool), "as this machine has AMX or not"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("raise ImportError('libcuda.so.1: cannot open')", "does not import: libcuda.so.1: cannot open"),
        ("def rmsnorm(x): ...", "has no CPU kernels"),
    ],
)
def test_a_package_that_is_not_for_a_cpu_is_not_used(tmp_path: Path, source: str, problem: str) -> None:
    package = probe(tmp_path, source)
    assert (package["problem"], package["live"]) == (problem, False)


def test_no_package_is_none(tmp_path: Path) -> None:
    assert probe(tmp_path, None) is None
