"""A run is signed as it is written by a process of its own; what happens to it afterwards is named by ``verify``."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from bankable.evals.fixtures.build.run import write_ledger
from bankable.graph.verification import verify_folder
from bankable.tools.evidence.ledger import read_ledger
from bankable.tools.recorder.check import RecorderChain
from tests.graph.conftest import RECORDING, ROOT, Bankable

CHAIN = "recorder/chain.jsonl"
LEG = "comparisons/control/legs/b00-reference/bench_runs.jsonl"


@pytest.fixture
def run(replayed: Path, tmp_path: Path) -> Path:
    """A finished run to spoil."""
    return Path(shutil.copytree(replayed, tmp_path / "run", symlinks=True))


def refit(run: Path) -> None:
    """Write the ledger anew over the files as they are now, as somebody who wants to hide an edit would."""
    write_ledger(run, [run / entry.path for entry in read_ledger(run) if (run / entry.path).is_file()])


def test_a_replayed_run_is_signed_and_said_to_be_a_replay(replayed: Path, bankable: Bankable) -> None:
    chain = RecorderChain((replayed / CHAIN).read_bytes())
    (part,) = chain.parts
    assert (part.closed, part.opened.mode) == (True, "replay")
    assert {entry.path for entry in read_ledger(replayed)} == set(chain.files)
    verdict = orjson.loads((replayed / "audits/baseline-control-1/verdict.json").read_bytes())
    (said,) = (finding for finding in verdict["findings"] if finding["rule"] == "signed_as_written")
    assert said["severity"] == "INFO"
    assert "recorder 1 (replay: copies of recorded records, key sha256:" in said["observed"]
    for folder in (replayed, replayed / "bundle"):
        done = bankable("verify", folder)
        assert done.code == 0, done.out
        assert "recorded recorder 1 (replay: copies of recorded records, key sha256:" in done.out


def test_an_edit_that_the_ledger_hides_is_named(run: Path) -> None:
    (run / LEG).write_bytes((run / LEG).read_bytes().replace(b'"issued":', b'"issued": ', 1))
    refit(run)
    problems = verify_folder(run).problems
    assert any(problem.startswith(f"{LEG}: expected as signed in line ") for problem in problems)


def test_a_leg_of_another_place_is_named_as_what_it_is(run: Path) -> None:
    other = LEG.replace("b00", "b01")
    (run / LEG).write_bytes((run / other).read_bytes())
    refit(run)
    problems = verify_folder(run).problems
    assert any(problem.startswith(f"{LEG}: ") and problem.endswith(f"signed as {other}") for problem in problems)


@pytest.mark.parametrize("where", ["run", "bundle/evidence"])
def test_a_chain_that_is_gone_is_missed(run: Path, where: str) -> None:
    folder = run if where == "run" else run / where
    (folder / CHAIN).unlink()
    problems = verify_folder(run if where == "run" else run / "bundle").problems
    assert f"{CHAIN}: gone, although the ledger names a recorder" in problems


def test_the_last_line_dropped_is_missed_and_moved_lines_are_located(run: Path) -> None:
    lines = (run / CHAIN).read_bytes().splitlines(keepends=True)
    (run / CHAIN).write_bytes(b"".join(lines[:-2]))
    last = read_ledger(run)[-1]
    assert any(
        problem.startswith(f"ledger.jsonl:{last.seq + 1}: ") and last.path in problem
        for problem in verify_folder(run).problems
    )
    lines[7], lines[8] = lines[8], lines[7]
    (run / CHAIN).write_bytes(b"".join(lines))
    assert any(
        problem.startswith(f"{CHAIN}:8: expected entry 7, found entry 8 ") for problem in verify_folder(run).problems
    )


def test_a_killed_recorder_stops_the_run_and_a_resumed_one_says_who_went_on(bankable: Bankable, tmp_path: Path) -> None:
    """A whole run and its resume, because only a run has a recorder to kill while it measures."""
    out = tmp_path / "run"
    command = [sys.executable, "-m", "graph", "run", "--replay", str(RECORDING), "--out", str(out)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    key, deadline = out / "recorder/key-1.json", time.monotonic() + 120
    while not (key.is_file() and list(out.rglob("leg.json"))) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(orjson.loads(key.read_bytes())["pid"], signal.SIGKILL)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 2
    assert b"Cannot sign the evidence: the recorder's process has ended (signal 9)" in err
    assert err.count(b"\n") == 1
    resumed = bankable("resume", out)
    assert resumed.code == 0, resumed.err
    assert "recorder 2 of this run goes on signing, with key sha256:" in resumed.out
    done = bankable("verify", out)
    assert done.code == 0, done.out
    assert "ended without closing): " in done.out
    assert "; recorder 2 (replay: " in done.out
