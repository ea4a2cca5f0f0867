"""Sends spans in a thread of its own, so that measurements never wait for a network.

A target that is down, slow or broken costs a run only the bounded wait at the end. Unsent spans are counted, and
reported once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from bankable.tools.tracing.span import Span

MOST = 5000
"""Spans that wait at a time; of more than these the oldest are given up."""
PAUSE_S = 0.5
"""Between two sendings, so that several spans share a request; doubled after each failure."""
LONGEST_PAUSE_S = 30.0
FLUSH_S = 10.0
"""What the end of a run waits for its traces, in seconds, where the place has accepted some."""
DEAD_FLUSH_S = 2.0
"""The same in seconds, for a place that has failed so far and accepted nothing."""
LAST_TRIES = 4
"""Sendings at the end, after pauses of 0.5, 1 and 2 s: a project that was just made takes a moment to be found. A place
that has accepted nothing is tried once."""


class SendError(Exception):
    """Not all of it was accepted; the reason in our own words, for a server's may repeat a key."""

    def __init__(self, why: str, left: Sequence[Span] | None = None) -> None:
        super().__init__(why)
        self.left = left
        """What has to be sent again; ``None`` for everything."""


class Exporter(Protocol):
    """A way to one place. Called from one thread only."""

    name: str

    def send(self, spans: Sequence[Span]) -> None:
        """Send the latest records of spans. May block for seconds. Raises ``SendError``, and is then asked again."""

    def interrupt(self) -> None:
        """Give up what ``send`` waits for, from another thread."""


class Outbox:
    """Keeps the latest record of each span until it is sent."""

    def __init__(self, exporter: Exporter, flush_s: float = FLUSH_S) -> None:
        self._exporter, self._flush_s = exporter, flush_s
        self._waiting: dict[UUID, Span] = {}
        self._lost, self._sent, self._why = 0, 0, ""
        self._changed, self._closing = threading.Condition(), False
        self._deadline = float("inf")
        # A daemon: a place that never answers must not keep the process.
        self._thread = threading.Thread(target=self._work, name=f"trace-{exporter.name}", daemon=True)
        self._thread.start()

    def put(self, span: Span) -> None:
        """Have a record sent soon. Never blocks, never raises."""
        with self._changed:
            self._waiting.pop(span.id, None)
            self._waiting[span.id] = span
            while len(self._waiting) > MOST:
                del self._waiting[next(iter(self._waiting))]
                self._lost += 1
            self._changed.notify()

    def finish(self) -> None:
        """Announce the end: several outboxes get it before the first is waited for."""
        with self._changed:
            dead = bool(self._why) and not self._sent
            self._flush_s = min(self._flush_s, DEAD_FLUSH_S) if dead else self._flush_s
            self._closing, self._deadline = True, min(self._deadline, time.monotonic() + self._flush_s)
            self._changed.notify()

    def close(self) -> str:
        """Send what is left, within the time for it. Returns a line for people where something could not be sent."""
        self.finish()
        self._thread.join(max(self._deadline - time.monotonic(), 0.0))
        late = self._thread.is_alive()
        if late:
            self._exporter.interrupt()
        with self._changed:
            left = len(self._waiting) + self._lost
            if not left:
                return ""
            why = self._why or f"no answer within {self._flush_s:.0f} s"
            return f"{self._exporter.name}: {left} of {left + self._sent} records of the trace were not sent: {why}"

    def _work(self) -> None:
        pause, tries = PAUSE_S, 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                self._changed.wait_for(lambda: self._closing, pause)
                closing, batch = self._closing, list(self._waiting.values())
            if not batch:
                return  # closing: else there would be some
            sent = self._tried(batch)
            if not closing:
                pause = PAUSE_S if sent else min(2 * pause, LONGEST_PAUSE_S)
            elif not sent:
                tries += 1
                if not self._sent or tries >= LAST_TRIES:
                    return
                time.sleep(PAUSE_S * 2 ** (tries - 1))

    def _tried(self, batch: list[Span]) -> bool:
        why, left = "", list[Span]()
        try:
            self._exporter.send(batch)
        except SendError as problem:
            why, left = str(problem), batch if problem.left is None else list(problem.left)
        except Exception as problem:  # a library's own fault costs the trace, not the run
            why, left = type(problem).__name__, batch
        again = {span.id for span in left}
        with self._changed:
            for span in batch:
                # A later record may have come in while this one was on its way.
                if span.id not in again and self._waiting.get(span.id) is span:
                    del self._waiting[span.id]
            self._sent += len(batch) - len(again)
            self._why = why
        return not why
