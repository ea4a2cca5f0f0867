"""Runs one piece of work at a time in a background thread: for calls that release the interpreter lock."""

from __future__ import annotations

import threading
from collections.abc import Callable


class BackgroundTask:
    """A thread that is started with the first work. Use as a context manager: no work outlives it."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def free(self) -> bool:
        """Whether ``start`` would not have to wait."""
        return self._thread is None or not self._thread.is_alive()

    def start(self, work: Callable[[], object]) -> None:
        """Start some work, after the previous work has ended. Raises the exception of the previous work."""
        self.wait()
        self._thread = threading.Thread(target=self._do, args=(work,))
        self._thread.start()

    def wait(self) -> None:
        """Wait until no work is running. Raises an exception of the work once."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _do(self, work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as cause:  # raised by the thread that waits
            self._failure = cause

    def __enter__(self) -> BackgroundTask:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.wait()
        elif self._thread is not None:
            self._thread.join()
