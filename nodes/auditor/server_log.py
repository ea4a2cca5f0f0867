"""What a server's own log says about load and faults."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_FAULTS = 20
_READY = re.compile(r"fired up and ready to roll|The server is ready")
_RUNNING = re.compile(r"#running-req: (\d+)")
_NEW_SEQUENCES = re.compile(r"#new-seq: (\d+)")
_USAGE = re.compile(r"token usage: (\d+(?:\.\d+)?)")
_RETRACTED = re.compile(r"Retract requests|#retracted")
_FATAL = re.compile(
    r"Scheduler hit an exception|Traceback \(most recent call last\)|CUDA error|HIP error|illegal memory access"
    r"|Segmentation fault|core dumped|out of memory|OutOfMemoryError|Watchdog timeout|SIGQUIT received"
    r"|terminate called|Exception in ASGI application"
)
_STOPPING = re.compile(r"INFO:\s+Shutting down|SIGTERM received|Gracefully exiting")
"""What follows is the noise of being stopped."""
_HARMLESS = re.compile(r"freeze_gc failed")
"""A start-up helper that may run before the port is open; its traceback is not a fault."""
_ENTRY = re.compile(r"^\[\d{4}-\d\d-\d\d ")
_LEVEL_ERROR = re.compile(r"^\[[^\]]{10,40}\] ?(?:ERROR|CRITICAL)\b|\bERROR:")


@dataclass(frozen=True)
class LogFacts:
    """One ``server.log``, summarised."""

    lines: int
    ready_line: int | None
    batches: int
    """Scheduler lines with counters; without any, nothing is known about the load."""
    peak_running: int
    """Requests in one batch at most."""
    peak_usage: float
    """Share of the KV pool in use, at most, as sampled by the scheduler."""
    retractions: tuple[int, ...]
    """Lines where requests were thrown back because the pool was full."""
    faults: tuple[tuple[int, str], ...]
    """(line, text) after the server was ready. Start-up complaints about optional parts are not faults."""


def facts(lines: Iterable[tuple[int, str]]) -> LogFacts:
    """Scan a log once. A log that never says ready is scanned for faults from its first line."""
    count = batches = peak_running = 0
    peak_usage = 0.0
    ready: int | None = None
    stopping = harmless = False
    retractions: list[int] = []
    faults: list[tuple[int, str]] = []
    for number, text in lines:
        count = number
        harmless = _HARMLESS.search(text) is not None or (harmless and not _ENTRY.match(text))
        stopping = stopping or (ready is not None and _STOPPING.search(text) is not None)
        if ready is None and _READY.search(text):
            ready = number
            faults.clear()
        elif " batch" in text and (running := _RUNNING.search(text)):
            batches += 1
            new = _NEW_SEQUENCES.search(text)
            peak_running = max(peak_running, int(running[1]) + (int(new[1]) if new else 0))
            peak_usage = max([peak_usage, *(float(usage) for usage in _USAGE.findall(text))])
        elif _RETRACTED.search(text):
            retractions.append(number)
        elif not (stopping or harmless) and (_FATAL.search(text) or _LEVEL_ERROR.search(text)):
            faults.append((number, text[:200]))
    return LogFacts(
        count, ready, batches, peak_running, peak_usage, tuple(retractions[:MAX_FAULTS]), tuple(faults[:MAX_FAULTS])
    )
