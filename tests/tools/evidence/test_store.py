"""Durable writes, on a real file system."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from bankable.tools.errors import UserError
from bankable.tools.evidence import store
from bankable.tools.evidence.store import (
    AppendLog,
    EvidenceConflict,
    FileDigests,
    free_name,
    set_torn_line_aside,
    sha256_file,
    write_once,
)

ROOT = Path(__file__).resolve().parents[3]


def test_writing_the_same_bytes_again_is_fine_and_other_bytes_are_refused(tmp_path: Path) -> None:
    target = tmp_path / "plan.json"
    write_once(target, b"one")
    write_once(target, b"one")
    with pytest.raises(EvidenceConflict):
        write_once(target, b"two")
    assert target.read_bytes() == b"one"


def test_a_file_that_was_hashed_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, digest_of, read = tmp_path / "leg.json", FileDigests(), list[Path]()
    target.write_bytes(b"one")

    def counted(path: Path) -> str:
        read.append(path)
        return sha256_file(path)

    monkeypatch.setattr(store, "sha256_file", counted)
    assert digest_of(target) == digest_of(tmp_path / "x/../leg.json") == sha256_file(target)
    assert read == [target.resolve()]
    with pytest.raises(FileNotFoundError):
        digest_of(tmp_path / "none.json")


def test_a_full_disk_is_one_line_and_leaves_whole_lines_only(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from bankable.tools.errors import UserError\n"
        "from bankable.tools.evidence.store import AppendLog\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "log = AppendLog(Path(sys.argv[2]))\n"
        "try:\n"
        "    for number in range(100): log.append({'number': number, 'text': 'x' * 20})\n"
        "except UserError as problem:\n"
        "    print(problem)\n"
    )
    log = tmp_path / "bench_runs.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", script, str(ROOT), str(log)], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Cannot write evidence: no space left" in done.stdout
    assert "resume" in done.stdout
    lines = log.read_bytes().splitlines(keepends=True)
    assert len(lines) >= 1
    assert [orjson.loads(line)["number"] for line in lines] == list(range(len(lines)))
    assert all(line.endswith(b"\n") for line in lines)


def fill(log: AppendLog) -> None:
    for number in range(10_000):
        log.append({"number": number, "text": "x" * 500})


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_really_full_file_system_keeps_what_was_written(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=False)
    if mounted.returncode != 0:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        log = AppendLog(small / "bench_runs.jsonl")
        with pytest.raises(UserError, match="no space left"):
            fill(log)
        lines = (small / "bench_runs.jsonl").read_bytes().splitlines()
        assert [orjson.loads(line)["number"] for line in lines] == list(range(len(lines)))
        assert len(lines) > 50
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_torn_last_line_is_kept_in_a_file_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "ledger.jsonl"
    log.write_bytes(b'{"a":1}\n{"b":')
    aside = set_torn_line_aside(log)
    assert aside is not None
    assert aside.read_bytes() == b'{"b":'
    AppendLog(log).append({"c": 3})
    assert log.read_bytes() == b'{"a":1}\n{"c":3}\n'


def test_lines_survive_a_kill_in_the_middle_of_writing(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from bankable.tools.evidence.store import AppendLog\n"
        "log = AppendLog(Path(sys.argv[2]))\n"
        "for number in range(10**6):\n"
        "    log.append({'number': number})\n"
        "    if number == 20: print('go', flush=True)\n"
    )
    log = tmp_path / "log.jsonl"
    child = subprocess.Popen([sys.executable, "-c", script, str(ROOT), str(log)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"go\n"
    child.send_signal(signal.SIGKILL)
    child.wait(timeout=30)
    set_torn_line_aside(log)
    numbers = [orjson.loads(line)["number"] for line in log.read_bytes().splitlines()]
    assert len(numbers) > 20
    assert numbers == list(range(len(numbers)))


def test_free_names_count_up(tmp_path: Path) -> None:
    (tmp_path / "leg-1").mkdir()
    assert free_name(tmp_path / "leg").name == "leg-2"
