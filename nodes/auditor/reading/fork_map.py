"""Work shared by this process and copies of it.

Whoever is free takes the next piece, this process too: so nobody waits, and what was done here need not be sent. A copy
writes what it did into a file without a name, in memory, which is read when nothing is left to do.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from typing import TypeVar

Done = TypeVar("Done")
_TICKET = 4
"""Bytes."""


def together(work: Callable[[int], Done], count: int, jobs: int) -> list[Done]:
    """``[work(0), work(1), …]`` by ``jobs`` processes. For Linux, and a process without other threads.

    What a copy failed to do, or did not live to do, is done here, and raises here.
    """
    done = dict[int, Done]()
    copies = dict[int, int]()
    """Process and the descriptor of its file."""
    with _tickets(count) as tickets, contextlib.ExitStack() as ends:
        ends.callback(_end, copies)
        gc.freeze()  # collecting garbage in a copy would touch, and thereby copy, all that the two share
        ends.callback(gc.unfreeze)
        for _ in range(jobs - 1):
            file = os.memfd_create("done")
            ends.callback(os.close, file)
            try:
                copies[_copy(work, tickets, file)] = file
            except OSError:  # no more processes to be had
                break
        for index in _drawn(tickets):
            done[index] = work(index)
        while copies:
            process, file = next(iter(copies.items()))
            os.waitpid(process, 0)
            del copies[process]
            done.update(_read(file))
    return [done[index] if index in done else work(index) for index in range(count)]


@contextlib.contextmanager
def _tickets(count: int) -> Iterator[int]:
    """A file with a number for each piece of work. Copies share the place in it, so that each is drawn once."""
    file = os.memfd_create("tickets")
    try:
        os.write(file, b"".join(index.to_bytes(_TICKET, "little") for index in range(count)))
        os.lseek(file, 0, os.SEEK_SET)
        yield file
    finally:
        os.close(file)


def _drawn(tickets: int) -> Iterator[int]:
    while ticket := os.read(tickets, _TICKET):
        yield int.from_bytes(ticket, "little")


def _copy(work: Callable[[int], Done], tickets: int, file: int) -> int:
    """Start a copy of this process that takes part in the work; its number."""
    parent = os.getpid()
    process = os.fork()
    if process:
        return process
    try:
        for index in _drawn(tickets):
            if os.getppid() != parent:  # nobody is left to read it
                break
            with contextlib.suppress(Exception):
                piece = memoryview(pickle.dumps((index, work(index)), pickle.HIGHEST_PROTOCOL))
                while piece:
                    piece = piece[os.write(file, piece) :]
    finally:
        os._exit(0)


def _read(file: int) -> Iterator[tuple[int, Done]]:
    """What a copy wrote; a piece that it did not live to finish is left out."""
    os.lseek(file, 0, os.SEEK_SET)
    with open(file, "rb", closefd=False) as stream:
        while True:
            try:
                yield pickle.load(stream)  # written by a copy of this very process
            except (EOFError, pickle.UnpicklingError):
                return


def _end(copies: dict[int, int]) -> None:
    """Stop those that are still at it: somebody has lost patience."""
    for process in copies:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
