"""What a server's own log says about load and faults."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_FAULTS = 20
_READY = re.compile(r"fired up and ready to roll|The server is ready")
_NUMBER = re.compile(r"[0-9]{1,12}(?![0-9])")
_RUNNING, _NEW_SEQUENCES = "#running-req: ", "#new-seq: "
_USAGE = re.compile(r"token usage: ([0-9]{1,12}(?:\.[0-9]{1,12})?)(?![0-9])")
"""Numbers are bounded: four thousand digits are nobody's counter."""
_GRAPH = re.compile(r"(?:cuda|cpu|hip|npu) graph: True")
_RETRACTED = ("Retract requests", "#retracted")
_FATAL = (
    "Scheduler hit an exception", "Traceback (most recent call last)", "CUDA error", "HIP error", "HSA_STATUS_ERROR",
    "Memory access fault by GPU", "illegal memory access", "Segmentation fault", "core dumped", "out of memory",
    "OutOfMemoryError",
    "Watchdog timeout", "SIGQUIT received", "terminate called", "Exception in ASGI application",
)  # fmt: skip
_LAST_WORDS = ("Shutting down", "SIGTERM received", "Gracefully exiting")
_STOPPING = re.compile(r"INFO:\s+Shutting down|SIGTERM received|Gracefully exiting")
"""What follows is the noise of being stopped."""
_HARMLESS = "freeze_gc failed"
"""A start-up helper that may run before the port is open; its traceback is not a fault."""
_ENTRY = re.compile(r"^\[\d{4}-\d\d-\d\d ")
_LEVEL_ERROR = re.compile(r"^\[[^\]]{10,40}\] ?(?:ERROR|CRITICAL)\b|\bERROR:")


@dataclass(frozen=True)
class LogFacts:
    """One ``server.log``, summarised."""

    lines: int
    ready_line: int | None
    graphs: int
    """Scheduler lines that say a batch ran from a captured graph."""
    batches: int
    """Scheduler lines with counters; without any, nothing is known about the load."""
    peak_running: int
    """Requests in one batch at most."""
    peak_usage: float
    """Share of the KV pool in use, at most, as sampled by the scheduler."""
    retractions: tuple[int, ...]
    """The first line where requests were thrown back because the pool was full; empty without one."""
    faults: tuple[tuple[int, str], ...]
    """(line, text) after the server was ready. Start-up complaints about optional parts are not faults."""


def facts(lines: Iterable[tuple[int, str]]) -> LogFacts:
    """Scan a log once. A log that never says ready is scanned for faults from its first line."""
    count = batches = graphs = peak_running = 0
    peak_usage = 0.0
    ready: int | None = None
    stopping = harmless = False
    retractions: tuple[int, ...] = ()
    faults: list[tuple[int, str]] = []
    for number, text in lines:
        count = number
        harmless = _HARMLESS in text or (harmless and not _ENTRY.match(text))
        stopping = stopping or (ready is not None and _stops(text))
        if ready is None and _READY.search(text):
            ready = number
            faults.clear()
        elif " batch" in text and (running := _count(text, _RUNNING)) is not None:
            batches += 1
            graphs += " graph: True" in text and _GRAPH.search(text) is not None
            peak_running = max(peak_running, running + (_count(text, _NEW_SEQUENCES) or 0))
            peak_usage = max([peak_usage, *map(float, _USAGE.findall(text))])
        elif _holds(text, _RETRACTED):
            retractions = retractions or (number,)
        elif not (stopping or harmless) and len(faults) < MAX_FAULTS and _faulty(text):
            faults.append((number, text[:200]))
    return LogFacts(
        count,
        ready,
        graphs,
        batches,
        peak_running,
        peak_usage,
        retractions,
        tuple(faults),
    )


def _count(text: str, label: str) -> int | None:
    """The counter behind a label."""
    place = text.find(label)
    found = _NUMBER.match(text, place + len(label)) if place >= 0 else None
    return None if found is None else int(found[0])


def _stops(text: str) -> bool:
    return _holds(text, _LAST_WORDS) and _STOPPING.search(text) is not None


def _faulty(text: str) -> bool:
    return _holds(text, _FATAL) or (("ERROR" in text or "CRITICAL" in text) and _LEVEL_ERROR.search(text) is not None)


def _holds(text: str, words: tuple[str, ...]) -> bool:
    for word in words:  # noqa: SIM110  # any() with a generator takes twice as long, and logs are long
        if word in text:
            return True
    return False
