"""One command for everything: ``kernels`` and ``evals`` are shown, passed on, and imported only when called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bankable.graph.version import find_version
from tests.graph.conftest import ROOT, Bankable

HEAVY = ("bankable.kernels.cli", "bankable.evals.main", "langgraph", "torch")


def start(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_the_help_shows_the_commands_of_other_packages_without_importing_them() -> None:
    code = (
        "import runpy, sys; runpy.run_path('tools/start.py')['register'](); from bankable.graph.cli import app\n"
        "try: app(['--help'])\n"
        f"except SystemExit: print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = start("-c", code)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    assert {"kernels", "evals", "run", "audit"} <= set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("kernels", "families"), "rms_norm: "),
        (("kernels", "search", "--help"), "Usage: bankable kernels search [OPTIONS]"),
        (("evals", "--help"), "Usage: bankable evals [OPTIONS] COMMAND"),
        (("evals", "faults"), "C15"),
    ],
)
def test_a_command_of_another_package_is_passed_on(bankable: Bankable, words: tuple[str, ...], shown: str) -> None:
    done = bankable(*words)
    assert done.code == 0, done.err
    assert shown in done.out


def test_its_mistakes_are_one_line_and_its_exit_code_is_its_own(bankable: Bankable, tmp_path: Path) -> None:
    done = bankable("kernels", "search", "no_such_family", "--out", tmp_path)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "no_such_family" in done.err


@pytest.mark.parametrize("module", ["graph", "kernels", "evals", "bankable"])
def test_every_way_to_start_works_in_a_checkout(module: str) -> None:
    done = start("-m", module, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def test_the_version_is_the_projects(bankable: Bankable) -> None:
    assert bankable("--version").out == f"bankable {find_version()}\n"
    assert f'\nversion = "{find_version()}"\n' in (ROOT / "pyproject.toml").read_text()
