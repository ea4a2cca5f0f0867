"""Work beside other work is waited for, and its failure is told."""

from __future__ import annotations

import hashlib
import threading
import time

import pytest

from bankable.tools.evidence.background import BackgroundTask
from bankable.tools.evidence.hashing import BESIDE, Hashing


def test_one_piece_at_a_time_and_none_outlives_it() -> None:
    done: list[int] = []
    others = set(threading.enumerate())

    def work(index: int) -> None:
        time.sleep(0.05)
        done.append(index)

    with BackgroundTask() as beside:
        assert beside.free
        beside.start(lambda: work(1))
        assert not beside.free
        beside.start(lambda: work(2))
        assert done == [1]
    assert done == [1, 2]
    assert set(threading.enumerate()) <= others


def _fail() -> None:
    raise OSError("no space")


def test_a_failure_is_told_once() -> None:
    beside = BackgroundTask()
    beside.start(_fail)
    with pytest.raises(OSError, match="no space"):
        beside.wait()
    beside.wait()
    with pytest.raises(OSError, match="no space"), BackgroundTask() as other:
        other.start(_fail)


def test_another_failure_goes_first_and_the_work_still_ends() -> None:
    ended = []

    def work() -> None:
        time.sleep(0.05)
        ended.append(True)
        _fail()

    def both() -> None:
        with BackgroundTask() as beside:
            beside.start(work)
            raise KeyError

    with pytest.raises(KeyError):
        both()
    assert ended == [True]


def test_a_digest_is_that_of_all_pieces() -> None:
    pieces = [b"a" * BESIDE, b"b", b"c" * (BESIDE + 1), b""]
    with Hashing() as state:
        for piece in pieces:
            state.update(piece)
        assert state.hexdigest() == hashlib.sha256(b"".join(pieces)).hexdigest()
