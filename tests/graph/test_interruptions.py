"""Killed, stopped and doubled runs. The recording answers every launch, so results can be compared byte for byte."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.graph.conftest import RECORDING, ROOT, Bankable, producer_files, without_screening_legs

FINISHED = "leg.json"


def start(out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "graph", "run", "--replay", str(RECORDING), "--out", str(out)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def wait_for_legs(out: Path, count: int, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and child.poll() is None:
        if len(list(out.rglob(FINISHED))) >= count:
            return
        time.sleep(0.005)


@pytest.mark.parametrize("legs", [5, *(pytest.param(legs, marks=pytest.mark.long) for legs in (0, 2, 7))])
def test_a_killed_run_resumes_to_the_same_result(replayed: Path, bankable: Bankable, tmp_path: Path, legs: int) -> None:
    out = tmp_path / "run"
    child = start(out)
    deadline = time.monotonic() + 120
    while not (out / "run.json").exists():
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    wait_for_legs(out, legs, child)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate(timeout=60)
    kept = {path: path.read_bytes() for path in out.rglob(FINISHED)}
    done = bankable("resume", out)
    assert done.code == 0, done.err
    for path, content in kept.items():
        assert path.read_bytes() == content, f"{path} was measured again"
    assert without_screening_legs(producer_files(out)) == without_screening_legs(producer_files(replayed))
    assert (out / "outcome.json").read_bytes() == (replayed / "outcome.json").read_bytes()
    assert bankable("verify", out).code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_a_signal_stops_cleanly_and_the_run_can_go_on(
    bankable: Bankable, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "run"
    child = start(out)
    wait_for_legs(out, 2, child)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert b"resume" in err
    assert b"Traceback" not in err
    assert bankable("resume", out).code == 0


def test_two_processes_do_not_work_on_one_run(bankable: Bankable, tmp_path: Path) -> None:
    out = tmp_path / "run"
    child = start(out)
    wait_for_legs(out, 1, child)
    child.send_signal(signal.SIGSTOP)
    second = bankable("resume", out)
    child.send_signal(signal.SIGCONT)
    child.communicate(timeout=300)
    assert child.returncode == 0
    assert second.code == 2
    assert "another process is working on this run" in second.err


def test_a_finished_run_resumes_to_its_outcome_at_once(replayed: Path, bankable: Bankable) -> None:
    before = {path: path.stat().st_mtime_ns for path in replayed.rglob("*.json")}
    assert bankable("resume", replayed).code == 0
    assert {path: path.stat().st_mtime_ns for path in replayed.rglob("*.json")} == before
