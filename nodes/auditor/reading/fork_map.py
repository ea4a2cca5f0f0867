"""Maps a function over indices on this process and forked copies of it.

Each process draws the next index when it is free, this one too, so none is idle and results computed here are not
copied. A child pickles its results into an anonymous in-memory file (memfd) that is read when no index is left.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from typing import TypeVar

Result = TypeVar("Result")
_INDEX_BYTES = 4
"""Size of one index in the shared queue, bytes."""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fork_map(work: Callable[[int], Result], count: int, jobs: int) -> list[Result]:
    """Compute ``[work(0), work(1), …]`` with ``jobs`` processes. Needs Linux and a process without other threads.

    An index that raised in a child, or whose child died, is computed again in this process, where it may raise.
    """
    results = dict[int, Result]()
    children = dict[int, int]()
    """Process id to the descriptor of its result file."""
    with _index_queue(count) as queue, contextlib.ExitStack() as ends:
        ends.callback(_kill, children)
        gc.freeze()  # a collection in a child would write to, and thereby copy, every shared page
        ends.callback(gc.unfreeze)
        for _ in range(jobs - 1):
            file = os.memfd_create("results")
            ends.callback(os.close, file)
            try:
                children[_start_child(work, queue, file)] = file
            except OSError:  # no more processes available
                break
        for index in _draw(queue):
            results[index] = work(index)
        while children:
            process, file = next(iter(children.items()))
            os.waitpid(process, 0)
            del children[process]
            results.update(_read(file))
    return [results[index] if index in results else work(index) for index in range(count)]


@contextlib.contextmanager
def _index_queue(count: int) -> Iterator[int]:
    """A file that holds every index once. Forked processes share its read offset, so each index is drawn once."""
    file = os.memfd_create("indices")
    try:
        os.write(file, b"".join(index.to_bytes(_INDEX_BYTES, "little") for index in range(count)))
        os.lseek(file, 0, os.SEEK_SET)
        yield file
    finally:
        os.close(file)


def _draw(queue: int) -> Iterator[int]:
    while entry := os.read(queue, _INDEX_BYTES):
        yield int.from_bytes(entry, "little")


def _start_child(work: Callable[[int], Result], queue: int, file: int) -> int:
    """Fork a child that draws from the queue and writes its results to ``file``; returns its process id."""
    parent = os.getpid()
    process = os.fork()
    if process:
        return process
    try:
        for index in _draw(queue):
            if os.getppid() != parent:  # the parent died: nothing will read the results
                break
            with contextlib.suppress(Exception):
                piece = memoryview(pickle.dumps((index, work(index)), pickle.HIGHEST_PROTOCOL))
                while piece:
                    piece = piece[os.write(file, piece) :]
    finally:
        os._exit(0)


def _read(file: int) -> Iterator[tuple[int, Result]]:
    """The results that a child wrote; a truncated last one is left out."""
    os.lseek(file, 0, os.SEEK_SET)
    with open(file, "rb", closefd=False) as stream:
        while True:
            try:
                yield pickle.load(stream)  # written by a fork of this process
            except (EOFError, pickle.UnpicklingError):
                return


def _kill(children: dict[int, int]) -> None:
    """Kill the children that still run: this process raised or was interrupted."""
    for process in children:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
