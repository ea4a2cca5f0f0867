"""The 1 Hz sampler: one thread per driver that passes a ``HostSample`` to every listener."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from bankable.tools.evidence.records import HostSample
from bankable.tools.serving.host import HostReader

PERIOD_S = 1.0
log = logging.getLogger(__name__)


class HostSampler:
    """Samples while there are listeners. A listener that raises loses its sample, never the thread."""

    def __init__(self, reader: Callable[[], HostReader], period_s: float = PERIOD_S) -> None:
        self._make_reader = reader
        self._period_s = period_s
        self._listeners: dict[int, Callable[[HostSample], None]] = {}
        self._next = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def listen(self, listener: Callable[[HostSample], None]) -> Callable[[], None]:
        """Add a listener; the returned function takes it away again (safe to call twice)."""
        with self._lock:
            self._next += 1
            token = self._next
            self._listeners[token] = listener
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="host-sampler", daemon=True)
                self._thread.start()

        def forget() -> None:
            with self._lock:
                self._listeners.pop(token, None)

        return forget

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10.0)

    def _run(self) -> None:
        reader = self._make_reader()
        while not self._stop.wait(self._period_s):
            with self._lock:
                listeners = list(self._listeners.values())
            if not listeners:
                continue
            try:
                sample = reader.sample()
            except Exception:
                log.exception("host sample failed")
                continue
            for listener in listeners:
                try:
                    listener(sample)
                except Exception:
                    log.exception("host sample listener failed")
