"""Runs over the shipped recording, through the real command line in a process of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from bankable.graph.cli import main

ROOT = Path(__file__).resolve().parents[2]
RECORDING = ROOT / "evals" / "recorded" / "cpu-run.tar.xz"
BANKED = ROOT / "evals" / "recorded" / "cpu-search.tar.xz"
"""A real run that banked a gain."""


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str


Bankable = Callable[..., Done]


@pytest.fixture(scope="session", autouse=True)
def settings_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a run looks for the user's signing key: not in the home of whoever runs the tests."""
    folder = tmp_path_factory.mktemp("settings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder))
        patch.delenv("BANKABLE_SIGNING_KEY", raising=False)
        yield folder


@pytest.fixture(scope="session")
def bankable() -> Bankable:
    """``bankable("run", "--model", …)``: the command line, with a secret in its environment that must not leak."""

    def call(*words: object, timeout: float = 300) -> Done:
        env = {**os.environ, "OPENAI_API_KEY": "sk-canary-4711"}
        done = subprocess.run(
            [sys.executable, "-m", "graph", *map(str, words)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=env,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> Bankable:
    """The command line within this process: for commands that end before anything is started."""

    def call(*words: object, timeout: float = 0.0) -> Done:
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", ["bankable", *map(str, words)])
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
        return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())

    return call


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory, bankable: Bankable) -> Path:
    """A finished run over the recording."""
    out = tmp_path_factory.mktemp("replayed") / "run"
    done = bankable("run", "--replay", RECORDING, "--out", out)
    assert done.code == 0, done.err
    return out


@pytest.fixture(scope="session")
def banked(tmp_path_factory: pytest.TempPathFactory, bankable: Bankable) -> Path:
    """A finished run over the recording that banked a gain. Shared: a test that edits it copies it first."""
    out = tmp_path_factory.mktemp("banked") / "run"
    done = bankable("run", "--replay", BANKED, "--out", out)
    assert done.code == 0, done.err
    return out


def without_screening_legs(files: dict[str, bytes]) -> dict[str, bytes]:
    """A resumed screening session launches its reference anew, so its legs differ; its results must not."""
    return {name: data for name, data in files.items() if not name.startswith("search/legs") and "/torn/" not in name}


def producer_files(run: Path) -> dict[str, bytes]:
    """Everything that producers and the measurement layer wrote: no verdicts, no bundle, no bookkeeping."""
    kept = {}
    for path in sorted(run.rglob("*")):
        name = path.relative_to(run).as_posix()
        if path.is_file() and name.split("/")[0] in ("comparisons", "search", "profile", "preflight.json"):
            kept[name] = path.read_bytes()
    return kept
