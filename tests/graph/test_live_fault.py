"""The whole machine on a real server that dies in the middle of a round."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import psutil
import pytest

from tests.graph.conftest import ROOT

pytestmark = pytest.mark.live

SHIPPED = ROOT / "tools" / "model" / "shipped"


def test_a_server_killed_in_a_round_ends_the_run_with_its_evidence_kept(tmp_path: Path) -> None:
    out, log = tmp_path / "run", tmp_path / "out.txt"
    words = ["run", "--model", str(SHIPPED), "--quick", "--only", "stream_interval=8", "--out", str(out)]
    with log.open("wb") as stream:
        run = subprocess.Popen(
            [sys.executable, "-m", "graph", *words], cwd=ROOT, stdout=stream, stderr=stream, start_new_session=True
        )
        try:
            _wait_for(run, log, "round 0")
            started = psutil.Process(run.pid).children(recursive=True)
            servers = [it for it in started if any(word.endswith("_spawn.py") for word in _words(it))]
            assert len(servers) == 2, "a co-resident pair is up"
            for server in servers:
                os.killpg(server.pid, signal.SIGKILL)
            assert run.wait(timeout=120) == 0, log.read_text()
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
    outcome = orjson.loads((out / "outcome.json").read_bytes())
    assert outcome["verdict"] == "no verified gain"
    assert "Traceback" not in log.read_text()
    legs = [orjson.loads(path.read_bytes()) for path in out.glob("comparisons/control/legs/*/leg.json")]
    assert any(leg["status"] == "failed" and leg["failure"]["kind"] == "died_in_round" for leg in legs)
    first = next(iter(out.glob("comparisons/control/legs/b00-*/bench_runs.jsonl")))
    assert first.read_bytes().endswith(b"\n"), "the round before the death is kept, whole"
    assert not [it for it in started if it.is_running()], "no process is left"


def _wait_for(run: subprocess.Popen[bytes], log: Path, text: str) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and run.poll() is None:
        if text in log.read_text():
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
