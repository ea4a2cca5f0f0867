"""The whole machine on real servers that die in the middle of a round."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import psutil
import pytest

from tests.graph.conftest import ROOT

pytestmark = [pytest.mark.live, pytest.mark.long]

SHIPPED = ROOT / "tools" / "model" / "shipped"


def test_a_block_whose_servers_are_killed_is_measured_again_and_a_signal_stops_cleanly(tmp_path: Path) -> None:
    out, log = tmp_path / "run", tmp_path / "out.txt"
    words = ["run", "--model", str(SHIPPED), "--quick", "--only", "stream_interval=8", "--out", str(out)]
    with log.open("wb") as stream:
        run = subprocess.Popen(
            [sys.executable, "-m", "graph", *words], cwd=ROOT, stdout=stream, stderr=stream, start_new_session=True
        )
        try:
            _wait_for(run, log, r"b00-\w+ round 0")
            started = psutil.Process(run.pid).children(recursive=True)
            servers = [item for item in started if any(word.endswith("_spawn.py") for word in _words(item))]
            assert len(servers) == 2, "a co-resident pair is up"
            for server in servers:
                os.killpg(server.pid, signal.SIGKILL)
            _wait_for(run, log, r"b00-\w+-again round 0")
            started += psutil.Process(run.pid).children(recursive=True)
            run.send_signal(signal.SIGINT)
            assert run.wait(timeout=120) == 130, log.read_text()
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
    assert "Traceback" not in log.read_text()
    assert f"python -m graph resume {out}" in log.read_text()
    legs = {
        path.parent.name: orjson.loads(path.read_bytes()) for path in out.glob("comparisons/control/legs/*/leg.json")
    }
    killed = [legs["b00-reference"], legs["b00-candidate"]]
    assert "died_in_round" in [leg["failure"]["kind"] for leg in killed if leg["failure"]]
    rounds = [path.read_bytes() for path in out.glob("comparisons/control/legs/b00-*/bench_runs.jsonl")]
    assert any(rounds), "the round before the death is kept"
    assert all(text.endswith(b"\n") for text in rounds if text), "and whole"
    assert not [entry for entry in started if _alive(entry)], "no process is left"


def _wait_for(run: subprocess.Popen[bytes], log: Path, pattern: str) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and run.poll() is None:
        if re.search(pattern, log.read_text()):
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def _alive(process: psutil.Process) -> bool:
    """Running, and not just waiting for an init that does not collect its children."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
