"""Work that several processes share is done once, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from bankable.nodes.auditor.reading.fork_map import fork_map


def _children() -> list[str]:
    """Processes of this one, those of other tests' fixtures too."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


@pytest.fixture
def others() -> list[str]:
    """Children that were there before."""
    return _children()


def _slow(index: int) -> tuple[int, int]:
    time.sleep(0.01)
    return index, os.getpid()


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_every_piece_is_done_once_and_stands_in_its_place(jobs: int, tmp_path: Path, others: list[str]) -> None:
    def work(index: int) -> tuple[int, int]:
        with (tmp_path / str(index)).open("x"):
            return _slow(index)

    found = fork_map(work, 40, jobs)
    assert [index for index, _ in found] == list(range(40))
    assert len({process for _, process in found}) == jobs
    assert _children() == others


def test_a_large_result_comes_whole() -> None:
    found = fork_map(lambda index: (_slow(index), bytes([index]) * (3 << 20)), 6, 2)
    assert [data for _, data in found] == [bytes([index]) * (3 << 20) for index in range(6)]


def test_what_fails_in_a_copy_is_done_here() -> None:
    mine = os.getpid()

    def work(index: int) -> int:
        _slow(index)
        if os.getpid() != mine and index % 2:
            raise MemoryError
        return index

    assert fork_map(work, 20, 3) == list(range(20))


def test_what_a_copy_did_not_live_to_do_is_done_here() -> None:
    mine = os.getpid()

    def work(index: int) -> int:
        _slow(index)
        if os.getpid() != mine and index > 10:
            os.kill(os.getpid(), signal.SIGKILL)
        return index

    assert fork_map(work, 20, 3) == list(range(20))


def test_what_fails_here_too_is_raised_and_no_copy_is_left(others: list[str]) -> None:
    def work(index: int) -> int:
        if index == 5:
            raise ValueError("five")
        return _slow(index)[0]

    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ValueError, match="five"):
        fork_map(work, 1000, 3)
    assert _children() == others
    assert len(os.listdir("/proc/self/fd")) == before


def test_no_copy_goes_on_when_patience_is_lost(others: list[str]) -> None:
    mine = os.getpid()

    def work(index: int) -> int:
        if os.getpid() == mine:
            raise TimeoutError
        time.sleep(30)
        return index

    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        fork_map(work, 10, 2)
    assert time.monotonic() - begun < 10
    assert _children() == others
