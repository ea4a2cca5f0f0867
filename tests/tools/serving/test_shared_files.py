"""A stopped server leaves none of its load snapshots in shared memory, and those of others stay."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bankable.tools.serving.process import stop_group
from bankable.tools.serving.shared_files import PREFIX, find_load_files

MAPPER = """
import mmap, sys, time
with open(sys.argv[1], "r+b") as file:
    mapped = mmap.mmap(file.fileno(), 0)
print("up", flush=True)
time.sleep(600)
"""

pytestmark = pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no shared memory")


@pytest.fixture
def snapshot() -> Iterator[Path]:
    file = Path(f"{PREFIX}bankable-test-{os.getpid()}.shm")
    file.write_bytes(bytes(16_384))
    yield file
    file.unlink(missing_ok=True)


def test_what_the_group_had_mapped_goes_with_it(snapshot: Path) -> None:
    other = snapshot.with_name(f"{snapshot.stem}-other.shm")
    other.write_bytes(b"of a server that goes on")
    try:
        with subprocess.Popen(
            [sys.executable, "-c", MAPPER, str(snapshot)], start_new_session=True, stdout=subprocess.PIPE
        ) as running:
            assert running.stdout is not None
            assert running.stdout.readline() == b"up\n"
            assert find_load_files([running.pid]) == {snapshot}
            stop_group(running.pid, grace_s=2.0, kill_s=5.0, reap=running.poll)
        assert not snapshot.exists()
        assert other.exists()
    finally:
        other.unlink()


def test_a_process_that_is_gone_has_none() -> None:
    assert find_load_files([2**22 + 1]) == frozenset()
