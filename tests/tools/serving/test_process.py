"""Ports, process groups and what a killed run leaves behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bankable.tools.errors import UserError
from bankable.tools.serving import group
from bankable.tools.serving.ports import hold_port
from bankable.tools.serving.process import ServerProcess, boot_id, kill_orphan, start

SLEEPER = "import sys, time\nprint('up', sys.argv[1:], flush=True)\ntime.sleep(600)\n"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "sleeper.py"
    path.write_text(SLEEPER)
    return path


@pytest.fixture
def process(script: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    started = start([sys.executable, str(script), "--flag"], dict(os.environ), tmp_path, tmp_path / "server.log")
    yield started
    started.stop(0.2)


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


def test_a_held_port_is_free_for_nobody_until_it_is_released() -> None:
    with hold_port() as held, socket.socket() as other:
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", held.port))
        held.release()
        other.bind(("127.0.0.1", held.port))


def test_a_range_is_searched_and_a_full_one_is_a_users_mistake() -> None:
    with hold_port() as first:
        with pytest.raises(UserError, match=rf"no free port \(ports {first.port}-{first.port}"):
            hold_port(range(first.port, first.port + 1))
        with hold_port(range(first.port, first.port + 50)) as second:
            assert first.port < second.port < first.port + 50


def test_output_goes_to_a_log_that_is_never_overwritten(process: ServerProcess, script: Path, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    wait_for(lambda: "up" in log.read_text())
    assert "'--flag'" in log.read_text()
    with pytest.raises(UserError, match="log exists already"):
        start([sys.executable, str(script)], dict(os.environ), tmp_path, log)
    assert process.exit_status() is None


def test_the_group_is_its_own_and_its_cpu_time_is_counted_with_its_children(tmp_path: Path) -> None:
    burner = tmp_path / "burner.py"
    burn = "import time\nwhile time.process_time() < 0.4: pass\n"
    burner.write_text(
        f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {burn!r}])\n"
        f"{burn}print('done', flush=True)\ntime.sleep(600)\n"
    )
    log = tmp_path / "server.log"
    process = start([sys.executable, str(burner)], dict(os.environ), tmp_path, log)
    try:
        wait_for(lambda: "done" in log.read_text(), 30)
        assert os.getpgid(process.pid) == process.pid != os.getpgrp()
        assert 0.75 <= process.cpu_seconds() < 3
    finally:
        process.stop(0.2)
    assert process.cpu_seconds() == 0


def test_stop_is_quick_complete_and_can_be_repeated(process: ServerProcess) -> None:
    begun = time.monotonic()
    process.stop(5.0)
    assert time.monotonic() - begun < 4
    assert group.living(process.pid) == []
    assert process.exit_status() == -signal.SIGTERM
    process.stop()


def orphan(tmp_path: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """A group leader that ignores TERM, and its pid file as a killed run would leave it."""
    ignore = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    wait = "print('up', flush=True); time.sleep(600)"
    program = [sys.executable, "-c", f"{ignore}; {wait}"]
    popen = subprocess.Popen(program, start_new_session=True, stdout=subprocess.PIPE)
    assert popen.stdout is not None
    assert popen.stdout.readline() == b"up\n"
    stat = group.read_stat(popen.pid)
    assert stat is not None
    record = {"pid": popen.pid, "create_time": stat.start_ticks, "boot_id": boot_id(), "pgid": popen.pid}
    pid_file = tmp_path / "server.pid"
    pid_file.write_text(json.dumps(record))
    return popen, pid_file


def finish(popen: subprocess.Popen[bytes]) -> None:
    popen.kill()
    popen.wait(10)
    assert popen.stdout is not None
    popen.stdout.close()


def test_an_orphan_is_stopped_and_its_pid_file_removed(tmp_path: Path) -> None:
    popen, pid_file = orphan(tmp_path)
    try:
        assert kill_orphan(pid_file, grace_s=0.2)
        assert popen.wait(5) == -signal.SIGKILL
        assert not pid_file.exists()
        assert not kill_orphan(pid_file)
    finally:
        finish(popen)


@pytest.mark.parametrize(
    "change",
    [{"create_time": 1}, {"boot_id": "another boot"}, {"pgid": 1}, {"pid": os.getppid(), "pgid": os.getppid()}],
)
def test_a_process_that_is_not_the_recorded_one_is_never_touched(tmp_path: Path, change: dict[str, object]) -> None:
    popen, pid_file = orphan(tmp_path)
    try:
        pid_file.write_text(json.dumps(json.loads(pid_file.read_text()) | change))
        assert not kill_orphan(pid_file, grace_s=0.2)
        assert popen.poll() is None
    finally:
        finish(popen)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"pid": "x"}', b"{" * 100_000])
def test_a_damaged_pid_file_is_left_alone(tmp_path: Path, content: bytes) -> None:
    pid_file = tmp_path / "server.pid"
    pid_file.write_bytes(content)
    assert not kill_orphan(pid_file)
    assert pid_file.exists()
