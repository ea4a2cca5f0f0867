"""Repeats from forks of a loaded auditor: the same bytes, a process each, and no verdict out of a failure."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from bankable.evals.runner import forks
from bankable.evals.runner import run as running
from bankable.evals.runner.evidence import seal_fixture
from bankable.evals.runner.fork_server import TIMED_OUT
from bankable.evals.runner.forks import start_auditor
from bankable.evals.runner.run import FixtureTask, perform, select_fixtures
from bankable.nodes.auditor.process import ENVIRONMENT, audit_sealed
from bankable.tools.errors import UserError

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ["plain-gain", "c03-cold-reference", "h05-pickle-in-the-oracle"])
def test_a_fork_says_what_a_fresh_interpreter_says(name: str) -> None:
    with seal_fixture(select_fixtures([name])[0]) as evidence:
        fresh = audit_sealed(evidence.folder)
        with start_auditor() as judge:
            assert [judge(evidence.folder).to_bytes() for _ in range(3)] == [fresh.to_bytes()] * 3


def _served(run: str, folders: list[str], limit_s: float = 30.0) -> list[tuple[int, bytes]]:
    """What a server answers whose audit is this expression of ``folder``."""
    code = (
        "import os, sys, time, signal; from bankable.evals.runner.fork_server import serve\n"
        f"def run(words):\n    folder = words[0]\n    print({run}); sys.stdout.flush(); return 0\n"
        f"serve({limit_s}, run)"
    )
    lines = b"".join(orjson.dumps(folder) + b"\n" for folder in folders)
    done = subprocess.run([sys.executable, "-c", code], input=lines, capture_output=True, cwd=ROOT, check=True)
    found, rest = [], done.stdout
    while rest:
        head, _, rest = rest.partition(b"\n")
        status, size = map(int, head.split())
        found.append((status, rest[:size]))
        rest = rest[size:]
    return found


def test_every_audit_has_a_process_of_its_own() -> None:
    found = _served("f'{folder} {os.getpid()} x'", ["/a b", "/c\nd", "/a b"])
    names = [data.rsplit(b" ", 2)[0] for _, data in found]
    assert names == [b"/a b", b"/c\nd", b"/a b"]
    assert len({data.rsplit(b" ", 2)[1] for _, data in found}) == 3


def test_what_one_audit_leaves_in_memory_no_other_finds() -> None:
    left = "setattr(sys, 'left', getattr(sys, 'left', 0) + 1) or sys.left"
    assert _served(left, ["/a", "/b"]) == [(0, b"1\n"), (0, b"1\n")]


def test_an_audit_that_dies_or_hangs_is_seen_and_the_next_one_goes_on() -> None:
    died = _served("os.kill(os.getpid(), signal.SIGKILL) if folder == '/die' else folder", ["/die", "/live"])
    assert died == [(-signal.SIGKILL, b""), (0, b"/live\n")]
    begun = time.monotonic()
    assert _served("time.sleep(60) if folder == '/hang' else 1", ["/hang", "/live"], 0.5) == [
        (TIMED_OUT, b""),
        (0, b"1\n"),
    ]
    assert time.monotonic() - begun < 40
    raised = _served("1 // 0", ["/a"])
    assert [(status > 0, data) for status, data in raised] == [(True, b"")]


def test_no_verdict_is_an_error_and_not_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_auditor() as judge, pytest.raises(UserError, match="no verdict, exit status 2"):
        judge(tmp_path)
    monkeypatch.setattr(forks, "START", "import sys; sys.exit(3)")
    with start_auditor() as judge, pytest.raises(UserError, match="the auditor's worker process ended"):
        judge(tmp_path)


def test_the_server_inherits_nothing_and_ends_with_its_block(monkeypatch: pytest.MonkeyPatch) -> None:
    servers: list[subprocess.Popen[bytes]] = []
    options: list[dict[str, object]] = []

    class Spied(subprocess.Popen):
        def __init__(self, *words: object, **given: object) -> None:
            super().__init__(*words, **given)
            servers.append(self)
            options.append(given)

    monkeypatch.setattr(forks.subprocess, "Popen", Spied)
    with start_auditor():
        assert servers[0].poll() is None
    assert servers[0].returncode is not None
    assert (options[0]["env"], options[0]["cwd"]) == (ENVIRONMENT, "/")


def test_the_first_repeat_is_judged_as_in_production_and_the_rest_in_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh: list[Path] = []
    real = running.judge

    def judge(*, isolated: bool) -> object:
        assert isolated
        return lambda folder: fresh.append(folder) or real(isolated=True)(folder)

    monkeypatch.setattr(running, "judge", judge)
    found = perform(FixtureTask("plain-gain", tuple(range(4))))
    assert len(fresh) == 1
    assert [entry.repeat for entry in found] == [0, 1, 2, 3]
    assert len({item.verdict for item in found}) == 1
