"""One piece of work at a time beside whatever else is done: for calls that do not hold the interpreter."""

from __future__ import annotations

import threading
from collections.abc import Callable


class BackgroundTask:
    """A thread when there is something for it to do. Use as a context manager: no work outlives it."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def free(self) -> bool:
        """Whether ``start`` would not have to wait."""
        return self._thread is None or not self._thread.is_alive()

    def start(self, work: Callable[[], object]) -> None:
        """Begin with something, once what was begun before has ended. Raises what that raised."""
        self.wait()
        self._thread = threading.Thread(target=self._do, args=(work,))
        self._thread.start()

    def wait(self) -> None:
        """Until nothing is under way. Raises what the work raised, once."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _do(self, work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as cause:  # for whoever waits
            self._failure = cause

    def __enter__(self) -> BackgroundTask:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.wait()
        elif self._thread is not None:
            self._thread.join()
