"""A command whose packages are not installed says in one line which extra brings them."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest

from bankable.graph.optional_packages import EXTRAS
from tests.graph.conftest import ROOT

WITHOUT = """
import sys
sys.modules[sys.argv.pop(1)] = None
from bankable.graph.cli import main
main()
"""


@pytest.mark.parametrize(
    ("module", "words", "extra"), [("psutil", ["doctor"], "run"), ("langgraph", ["draw"], "run"), ("csv", [], "")]
)
def test_the_extra_is_named(module: str, words: list[str], extra: str) -> None:
    command = [sys.executable, "-c", WITHOUT, module, *(words or ["audit", "x.csv"])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    if extra:
        advice = f"Install it with: pip install 'bankable[{extra}]'."
        line = f"bankable: Cannot run this command: package {module} is not installed. {advice}\n"
        assert (done.returncode, done.stderr) == (2, line)
    else:
        assert "Traceback" in done.stderr, "a module of Python's own is no extra"


def test_every_extra_is_one_of_the_projects() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(EXTRAS) <= set(declared)
