"""A fork server that is started ahead of its use, in the background: importing torch takes it two seconds and more."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.tools.errors import UserError


class ForkServerPrefetch:
    """Use as a context manager. Who takes a fork server closes it; one that nobody took is closed at the end."""

    def __init__(self, python: Path, threads: int = 1) -> None:
        self._python, self._threads = python, threads
        self._pool = ThreadPoolExecutor(1)
        self._next: Future[ForkServer] | None = None

    def start(self) -> None:
        """Begin to start the next one, where that has not begun. Only while nothing is timed: it needs a core."""
        if self._next is None:
            self._next = self._pool.submit(ForkServer, self._python, self._threads)

    def take(self) -> ForkServer:
        """The next one, once it is ready. Raises ``UserError`` where it does not start."""
        self.start()
        assert self._next is not None
        started, self._next = self._next, None
        return started.result()

    def __enter__(self) -> ForkServerPrefetch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._next is not None:
            with contextlib.suppress(UserError):
                self._next.result().close()
        self._pool.shutdown()
