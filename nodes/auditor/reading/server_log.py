"""What a server's own log says about load and faults.

A log says few things many times over: without their digits, nearly all its lines are alike. What may stand in a line is
therefore looked up by that shape; words are searched for once a shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from operator import add

LONGEST = 4000
"""Characters of a line that are looked at."""
MAX_FAULTS = 20
MAX_SHAPES, MAX_SHAPE_BYTES = 4096, 512
"""So many are remembered; a log that is not repetitive takes longer and no more memory."""
_DIGITS = b"0123456789"
_READY = re.compile(r"fired up and ready to roll|The server is ready")
_BATCH, _RUNNING, _NEW, _CAPTURED = b" batch", b"#running-req: ", b"#new-seq: ", b" graph: True"
_NUMBER = rb"(?:([0-9]{1,12})(?![0-9]))?"
"""Numbers are bounded: four thousand digits are nobody's counter."""
_RUNNING_COUNT, _NEW_COUNT = re.compile(_RUNNING + _NUMBER), re.compile(_NEW + _NUMBER)
_USAGE = re.compile(rb"token usage: ([0-9]{1,12}(?:\.[0-9]{1,12})?)(?![0-9])")
_DEVICES = (b"cuda", b"cpu", b"hip", b"npu")
_GRAPH = re.compile(_CAPTURED + b"(?:%b)" % b"|".join(b"(?<=%b)" % (device + _CAPTURED) for device in _DEVICES))
"""Begins with what is found by a jump."""
_RETRACTED = ("Retract requests", "#retracted")
_FATAL = (
    "Scheduler hit an exception",
    "Traceback (most recent call last)",
    "CUDA error",
    "HIP error",
    "HSA_STATUS_ERROR",
    "Memory access fault by GPU",
    "illegal memory access",
    "Segmentation fault",
    "core dumped",
    "out of memory",
    "OutOfMemoryError",
    "Watchdog timeout",
    "SIGQUIT received",
    "terminate called",
    "Exception in ASGI application",
)
_STOPPING = re.compile(r"INFO:\s+Shutting down|SIGTERM received|Gracefully exiting")
"""What follows is the noise of being stopped."""
_HARMLESS = "freeze_gc failed"
"""A start-up helper that may run before the port is open; its traceback is not a fault."""
_ENTRY = re.compile(r"^\[\d{4}-\d\d-\d\d ")
_LEVEL_ERROR = re.compile(r"^\[[^\]]{10,40}\] ?(?:ERROR|CRITICAL)\b|\bERROR:")
_WORDS = tuple(
    word.encode()
    for word in (
        "fired up and ready to roll",
        "The server is ready",
        "Shutting down",
        "SIGTERM received",
        "Gracefully exiting",
        "ERROR",
        "CRITICAL",
        _HARMLESS,
        *_RETRACTED,
        *_FATAL,
    )
)
"""No pattern but those of counters matches a line without one of these. None has a digit, so that a line has no word
that its shape lacks."""


class _Kind(Enum):
    """What may stand in lines of one shape."""

    DULL = auto()
    COUNTERS = auto()
    """At most the scheduler's counters."""
    ANYTHING = auto()


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


def facts(blocks: Iterable[tuple[int, Sequence[bytes]]]) -> LogFacts:
    """Scan a log once, given as (number of the first line, lines) for each block of it.

    A log that never says ready is scanned for faults from its first line.
    """
    scan, kinds, count = _Scan(), dict[bytes, _Kind](), 0
    dull, counters = _Kind.DULL, _Kind.COUNTERS
    for first, lines in blocks:
        steps: dict[bytes, list[bytes]] = {}
        for number, whole in enumerate(lines, first):
            line = whole if len(whole) <= LONGEST else _cut(whole)
            shape = line.translate(None, _DIGITS)
            kind = kinds.get(shape) or _remember(kinds, shape)
            if kind is dull and not scan.harmless:
                continue
            if kind is counters and not scan.harmless:
                steps.setdefault(shape, []).append(line)
            else:
                scan.anything(number, line)
        for shape, alike in steps.items():
            scan.steps(shape, alike)
        count = first + len(lines) - 1
    return scan.facts(count)


def _remember(kinds: dict[bytes, _Kind], shape: bytes) -> _Kind:
    kind = _Kind.COUNTERS if _BATCH in shape and _RUNNING in shape else _Kind.DULL
    for word in _WORDS:
        if word in shape:
            kind = _Kind.ANYTHING
    if len(kinds) < MAX_SHAPES and len(shape) <= MAX_SHAPE_BYTES:
        kinds[shape] = kind
    return kind


def _cut(line: bytes) -> bytes:
    """The beginning of a line, bytes that are no text replaced."""
    return line[: LONGEST * 4].decode("utf-8", "replace")[:LONGEST].encode()


@dataclass
class _Scan:
    """What was found in the lines so far."""

    batches: int = 0
    graphs: int = 0
    peak_running: int = 0
    peak_usage: float = 0.0
    ready: int | None = None
    stopping: bool = False
    harmless: bool = False
    """Within the lines of a complaint that is no fault."""
    retractions: tuple[int, ...] = ()
    faults: list[tuple[int, str]] = field(default_factory=list)

    def anything(self, number: int, line: bytes) -> None:
        """Take in a line that may say whatever there is to say."""
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        self.harmless = _HARMLESS in text or (self.harmless and not _ENTRY.match(text))
        self.stopping = self.stopping or (self.ready is not None and _STOPPING.search(text) is not None)
        if self.ready is None and _READY.search(text):
            self.ready = number
            self.faults.clear()
        elif self.counters(line):
            return
        elif any(word in text for word in _RETRACTED):
            self.retractions = self.retractions or (number,)
        elif not (self.stopping or self.harmless) and len(self.faults) < MAX_FAULTS and _faulty(text):
            self.faults.append((number, text[:200]))

    def counters(self, line: bytes) -> bool:
        """Take in the scheduler's counters, and whether there are any."""
        found = _RUNNING_COUNT.search(line)
        if found is None or not found[1] or line.find(_BATCH) < 0:  # "in" takes twice as long
            return False
        running, fresh = int(found[1]), _NEW_COUNT.search(line)
        if fresh is not None:
            running += int(fresh[1] or 0)
        self.batches += 1
        self.graphs += _GRAPH.search(line) is not None
        self.peak_running = max(self.peak_running, running)
        for usage in _USAGE.findall(line):
            self.peak_usage = max(self.peak_usage, float(usage))
        return True

    def steps(self, shape: bytes, lines: list[bytes]) -> None:
        """Take in lines of one shape that hold counters at most: all at once if none holds one of them twice."""
        text, once = b"\n".join(lines), all(shape.count(label) <= 1 for label in (_RUNNING, _NEW, _CAPTURED))
        running, fresh = _RUNNING_COUNT.findall(text), _NEW_COUNT.findall(text)
        regular = once and len(running) == len(lines) == text.count(_BATCH) and b"" not in running
        if not regular or shape.count(_BATCH) != 1 or len(fresh) not in (0, len(lines)):
            for line in lines:
                self.counters(line)
            return
        self.batches += len(lines)
        self.graphs += len(_GRAPH.findall(text))
        new = [int(number or 0) for number in fresh] or [0] * len(lines)
        self.peak_running = max(self.peak_running, *map(add, map(int, running), new))
        self.peak_usage = max(self.peak_usage, *map(float, _USAGE.findall(text)), 0.0)

    def facts(self, lines: int) -> LogFacts:
        """The whole log had that many lines."""
        return LogFacts(
            lines,
            self.ready,
            self.graphs,
            self.batches,
            self.peak_running,
            self.peak_usage,
            self.retractions,
            tuple(self.faults),
        )


def _faulty(text: str) -> bool:
    return any(word in text for word in _FATAL) or _LEVEL_ERROR.search(text) is not None
