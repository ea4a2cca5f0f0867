"""A pool of workers: each is a fork server on cores of its own, leased to one job at a time, replaced when lost."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

from bankable.kernels.sandbox.fork_server import ForkServer


def core_sets(threads: int, most: int = 0) -> list[tuple[int, ...]]:
    """Disjoint sets of ``threads`` cores that this process may use; one set at least, ``most`` at most."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    sets = [tuple(cores[at : at + threads]) for at in range(0, len(cores) - threads + 1, threads)]
    return (sets or [tuple(cores)])[: most or None]


class Lanes:
    """Use as a context manager; a worker's fork server starts with its first lease."""

    def __init__(self, python: Path, threads: int = 1, most: int = 0) -> None:
        self._python, self._threads = python, threads
        self.sets = core_sets(threads, most)
        self._free: queue.SimpleQueue[tuple[int, ...]] = queue.SimpleQueue()
        self._running: dict[tuple[int, ...], ForkServer] = {}
        for cores in self.sets:
            self._free.put(cores)

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with ExitStack() as stack:
            for fork_server in self._running.values():
                stack.callback(fork_server.close)

    @contextmanager
    def lease(self) -> Iterator[ForkServer]:
        """Lease a fork server until the end of the block; waits for a free worker."""
        cores = self._free.get()
        try:
            if cores not in self._running:
                self._running[cores] = ForkServer(self._python, self._threads, cores=cores)
            yield self._running[cores]
        except BaseException:
            if (broken := self._running.pop(cores, None)) is not None:
                broken.close()
            raise
        finally:
            self._free.put(cores)
