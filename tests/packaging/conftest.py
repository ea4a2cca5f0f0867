"""A wheel of the project, installed beside the orchestrator's and the engine's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / ".venv-engine" / "bin" / "python"
BESIDE = ROOT / ".venv" / "beside-engine"
"""Hugging Face's ``kernels`` and what it needs, as ``make extras`` installs it."""
FOLDERS = ("graph", "nodes", "prompts", "skills", "tools", "kernels", "evals")
METADATA = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


@dataclass(frozen=True)
class Interpreter:
    """An interpreter in whose environment the wheel is installed, and which sees no checkout."""

    python: Path
    path: tuple[Path, ...] = ()
    """Folders of ``PYTHONPATH``."""

    def run(
        self, arguments: Sequence[object], folder: Path, timeout_s: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run the interpreter in ``folder``, which is not on its path."""
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        if self.path:
            env["PYTHONPATH"] = os.pathsep.join(map(str, self.path))
        return subprocess.run(
            [str(self.python), "-P", *map(str, arguments)],
            env=env,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


def pip(*arguments: object) -> None:
    """Run pip; its output is the failure's text."""
    done = subprocess.run([*PIP, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the sources, without build isolation and without a download."""
    place = tmp_path_factory.mktemp("wheel")
    sources = place / "sources"
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, sources / name, ignore=ignore)
    for name in METADATA:
        shutil.copy2(ROOT / name, sources / name)
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", place / "built", sources)
    (built,) = (place / "built").glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """The orchestrator's interpreter, with the wheel's ``bankable`` before the checkout's."""
    target = tmp_path_factory.mktemp("target")
    pip("install", "--no-deps", "--no-index", "--target", target, wheel)
    return Interpreter(Path(sys.executable), (target,))


@pytest.fixture(scope="session")
def engine(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """An engine environment as pip resolves it: sglang, Hugging Face's ``kernels``, and the wheel beside them."""
    if not ENGINE.exists():
        pytest.skip("no engine environment: run `make setup`")
    place = tmp_path_factory.mktemp("engine")
    subprocess.run([ENGINE, "-m", "venv", "--without-pip", place], check=True)
    python = place / "bin" / "python"
    folder = site_packages(python)
    if BESIDE.is_dir():
        shutil.copytree(BESIDE, folder, dirs_exist_ok=True)
    else:
        requirements = ROOT / "tools" / "setup" / "beside-engine.txt"
        pip("install", "--no-deps", "--target", folder, "--requirement", requirements)
    (folder / "engine.pth").write_text(f"{site_packages(ENGINE)}\n")
    before = contents(folder)
    pip("--python", python, "install", "--no-deps", "--no-index", wheel)
    changed = {name for name, data in before.items() if (folder / name).read_bytes() != data}
    assert not changed
    return Interpreter(python)


def site_packages(python: Path) -> Path:
    """Where an interpreter's environment installs packages."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip())


def contents(folder: Path) -> dict[str, bytes]:
    """Content of every file below a folder, by relative path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
