"""A grown model is larger and gives the shipped one's logits; only sums are rounded in another order."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bankable.tools.package import program
from bankable.tools.serving.engine import engine_python

SHIPPED = Path(__file__).resolve().parents[3] / "tools" / "model" / "shipped"
COMPARE = """
import json, sys, torch
from transformers import AutoModelForCausalLM
ids = torch.arange(3, 200).reshape(1, -1)
with torch.no_grad():
    models = [AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32) for folder in sys.argv[1:]]
    small, large = (model(ids).logits for model in models)
print(json.dumps([float((small - large).abs().max()), float(small.std())]))
"""


def grow(*words: object) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [engine_python(), *program("bankable.tools.model.grow", *map(str, words))]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=SHIPPED.parents[2], timeout=120)


@pytest.mark.long
def test_the_larger_model_gives_the_same_logits(tmp_path: Path) -> None:
    out = tmp_path / "grown"
    done = grow(out, "--hidden", 1024, "--layers", 6, "--intermediate", 640)
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "config.json").read_text())["num_attention_heads"] == 16
    command: list[str | Path] = [engine_python(), "-c", COMPARE, SHIPPED, out]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    apart, spread = json.loads(shown.stdout.splitlines()[-1])
    assert apart < 1e-3
    assert spread > 1  # logits, not zeros


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--hidden", 512], "hidden must be 256 times a power of 4, not 512"),
        (["--layers", 3], "a model only grows"),
    ],
)
def test_a_shape_that_cannot_be_exact_is_refused(tmp_path: Path, words: list[object], line: str) -> None:
    done = grow(tmp_path / "grown", *words)
    assert done.returncode == 2
    assert line in done.stderr.splitlines()[-1]
    assert not (tmp_path / "grown").exists()
