"""Summarises a server's log: load, captured graphs, retractions and faults.

A log repeats few kinds of line: without their digits, nearly all lines are equal. What a line can contain is therefore
looked up by this shape, and keywords are searched once per shape.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from operator import add

LONGEST = 4000
"""Characters of a line that are scanned."""
MAX_FAULTS = 20
"""Faults that are listed."""
MAX_SHAPES, MAX_SHAPE_BYTES = 4096, 512
"""Bounds of the shape cache: a log that is not repetitive takes longer but no more memory."""
_DIGITS = b"0123456789"
_READY = re.compile(r"fired up and ready to roll|The server is ready")
_BATCH, _RUNNING, _NEW, _CAPTURED = b" batch", b"#running-req: ", b"#new-seq: ", b" graph: True"
_NUMBER = rb"(?:([0-9]{1,12})(?![0-9]))?"
"""At most twelve digits: no counter has more."""
_RUNNING_COUNT, _NEW_COUNT = re.compile(_RUNNING + _NUMBER), re.compile(_NEW + _NUMBER)
_FRESH_TOKENS, _CACHED_TOKENS = re.compile(b"#new-token: " + _NUMBER), re.compile(b"#cached-token: " + _NUMBER)
_RATE = re.compile(rb"gen throughput \(token/s\): ([0-9]{1,12}(?:\.[0-9]{1,12})?)")
_ACCESS = re.compile(rb'"([A-Z]{3,7} /[^ ?"]{0,80})[^"]* HTTP/\.?" ?([A-Za-z ]*)')
"""A line of the access log without its digits: method and path, and the status text."""
_TIME = re.compile(rb"^\[(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)")
_PROCESS = re.compile(r"Started server process \[([0-9]{1,12})\]")
_ARGUMENTS = b"server_args="
MAX_ARGUMENTS, MAX_PATHS = 1 << 17, 64
"""Characters of the line with the server's arguments, and kinds of requests, that are kept."""
MAX_BUSY, STAMP_BYTES = 200_000, 20
"""Seconds with scheduler lines that are kept, and bytes of a line that hold its time stamp."""
_USAGE = re.compile(rb"token usage: ([0-9]{1,12}(?:\.[0-9]{1,12})?)(?![0-9])")
_DEVICES = (b"cuda", b"cpu", b"hip", b"npu")
_GRAPH = re.compile(_CAPTURED + b"(?:%b)" % b"|".join(b"(?<=%b)" % (device + _CAPTURED) for device in _DEVICES))
"""Begins with a literal, which the search finds quickly."""
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
"""Lines after this belong to a regular shutdown."""
_HARMLESS = "freeze_gc failed"
"""A start-up helper that may run before the port is open; its traceback is harmless."""
_BOUND_TO = re.compile(r"local_omp_cpuid=([0-9,-]{1,200})")
_BINDS, _NO_KERNELS = "init_threads_binding: ", "init_cpu_threads_env and shared memory"
"""A CPU server's start: the cores of a rank; and that the engine's own CPU kernels are not there to bind to them."""
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
        _BINDS,
        _NO_KERNELS,
        "Started server process",
        *_RETRACTED,
        *_FATAL,
    )
)
"""Only the counter patterns match a line without one of these. None has a digit, so a line's shape keeps them all."""


class _Kind(Enum):
    """What lines of one shape can contain."""

    IGNORED = auto()
    """Nothing of interest."""
    ACCESS = auto()
    """An answered request."""
    COUNTERS = auto()
    """At most the scheduler's counters."""
    ANYTHING = auto()
    """One of the keywords."""


@dataclass(frozen=True)
class LogFacts:
    """The summary of one ``server.log``."""

    lines: int
    """Number of lines."""
    ready_line: int | None
    """Number of the line that reports the server ready, 1-based; ``None`` when no line does."""
    graphs: int
    """Number of scheduler lines that say a batch ran from a captured graph."""
    batches: int
    """Number of scheduler lines with counters; with none, the load is unknown."""
    peak_running: int
    """Most requests in one batch."""
    peak_usage: float
    """Largest share of the KV pool in use, 0 to 1, as sampled by the scheduler."""
    retractions: tuple[int, ...]
    """The first line that reports requests retracted because the pool was full; empty without one."""
    faults: tuple[tuple[int, str], ...]
    """(line, text) of faults after the server was ready. Start-up errors of optional parts are not faults."""
    cpu_kernels: bool | None = None
    """Whether a CPU engine had its own kernels; ``None`` where the log does not tell."""
    bound_to: str = ""
    """Cores that the engine's CPU kernels bind their threads to, as a list of ranges; empty without such kernels."""
    ready_lines: int = 0
    """Number of lines that report the server ready: one for each launch."""
    requests: Mapping[str, int] = field(default_factory=dict)
    """Answered requests by method and path without digits, such as ``POST /generate``; empty without an access log."""
    refused: int = 0
    """Requests that were answered with another status than OK."""
    prompt_tokens: int = 0
    """Prompt tokens that the scheduler took, computed and cached ones."""
    cached_tokens: int = 0
    """Those of them that came from the prefix cache."""
    peak_rate: float = 0.0
    """Highest generation rate of a scheduler line, tokens per second; 0 when no line has one."""
    began: float | None = None
    """First time stamp, in seconds of the server's own time zone; ``None`` without time stamps."""
    ended: float | None = None
    """Last time stamp, likewise."""
    ready_at: float | None = None
    """Time stamp of the ready line, likewise."""
    pid: int | None = None
    """Process id that the server reports; ``None`` when it reports none."""
    arguments: str = ""
    """The line with the server's arguments; empty without one."""
    busy: tuple[float, ...] = ()
    """Whole seconds with a scheduler line, ascending, in the server's own time zone; the first ``MAX_BUSY``."""


def scan_log(blocks: Iterable[tuple[int, Sequence[bytes]]]) -> LogFacts:
    """Scan a log, given as (number of the first line, lines) per block.

    A log without a ready line is scanned for faults from its first line.
    """
    scan, kinds, count = _Scan(), dict[bytes, _Kind](), 0
    ignored, counters, access = _Kind.IGNORED, _Kind.COUNTERS, _Kind.ACCESS
    for first, lines in blocks:
        steps: dict[bytes, list[bytes]] = {}
        scan.scan_times(lines)
        for number, whole in enumerate(lines, first):
            line = whole if len(whole) <= LONGEST else _truncate(whole)
            shape = line.translate(None, _DIGITS)
            kind = kinds.get(shape) or _classify(kinds, shape)
            if kind is ignored and not scan.harmless:
                if len(whole) > LONGEST and _ARGUMENTS in whole[:200]:
                    scan.arguments = scan.arguments or whole[:MAX_ARGUMENTS].decode("utf-8", "replace")
                continue
            if kind is access:
                scan.count_access(shape)
                if not scan.harmless:
                    continue
            if kind is counters and not scan.harmless:
                steps.setdefault(shape, []).append(line)
            else:
                scan.scan_line(number, line)
        for shape, alike in steps.items():
            scan.scan_alike(shape, alike)
        count = first + len(lines) - 1
    return scan.summarise(count)


def _classify(kinds: dict[bytes, _Kind], shape: bytes) -> _Kind:
    kind = _Kind.COUNTERS if _BATCH in shape and _RUNNING in shape else _Kind.IGNORED
    if kind is _Kind.IGNORED and b" HTTP/" in shape and _ACCESS.search(shape):
        kind = _Kind.ACCESS
    for word in _WORDS:
        if word in shape:
            kind = _Kind.ANYTHING
    if len(kinds) < MAX_SHAPES and len(shape) <= MAX_SHAPE_BYTES:
        kinds[shape] = kind
    return kind


def _truncate(line: bytes) -> bytes:
    """The beginning of a line, invalid UTF-8 replaced."""
    return line[: LONGEST * 4].decode("utf-8", "replace")[:LONGEST].encode()


@dataclass
class _Scan:
    """The summary of the lines scanned so far."""

    batches: int = 0
    graphs: int = 0
    peak_running: int = 0
    peak_usage: float = 0.0
    ready: int | None = None
    stopping: bool = False
    harmless: bool = False
    """Inside the traceback of a harmless start-up error."""
    retractions: tuple[int, ...] = ()
    bound_to: str | None = None
    """Cores of the first rank; empty where the line names none, ``None`` without such a line."""
    without_kernels: bool = False
    faults: list[tuple[int, str]] = field(default_factory=list)
    ready_lines: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    peak_rate: float = 0.0
    began: float | None = None
    ended: float | None = None
    ready_at: float | None = None
    pid: int | None = None
    arguments: str = ""
    stamps: set[bytes] = field(default_factory=set)
    """Time stamps of scheduler lines, as they stand."""

    def scan_times(self, lines: Sequence[bytes]) -> None:
        """Read the first and the last time stamp of a block of lines."""
        if self.began is None:
            self.began = next((time for line in lines if (time := _time(line)) is not None), None)
        last = next((time for line in reversed(lines) if (time := _time(line)) is not None), None)
        self.ended = self.ended if last is None else last

    def count_access(self, shape: bytes) -> None:
        """Count an answered request, given without its digits."""
        match = _ACCESS.search(shape)
        if match is None:
            return
        path = match[1].decode("ascii", "replace")
        if path in self.requests or len(self.requests) < MAX_PATHS:
            self.requests[path] += 1
        self.refused += match[2].strip() != b"OK"

    def scan_line(self, number: int, line: bytes) -> None:
        """Scan a line that may hold any keyword."""
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        self.harmless = _HARMLESS in text or (self.harmless and not _ENTRY.match(text))
        self.stopping = self.stopping or (self.ready is not None and _STOPPING.search(text) is not None)
        if self.ready is None:
            if self.bound_to is None and _BINDS in text:
                match = _BOUND_TO.search(text)
                self.bound_to = match[1] if match is not None else ""
            self.without_kernels = self.without_kernels or _NO_KERNELS in text
        if (process := _PROCESS.search(text)) is not None:
            self.pid = int(process[1])
        if self.ready is not None and _READY.search(text):
            self.ready_lines += 1
        if self.ready is None and _READY.search(text):
            self.ready, self.ready_lines, self.ready_at = number, 1, _time(line)
            self.faults.clear()
        elif self.scan_counters(line):
            return
        elif any(word in text for word in _RETRACTED):
            self.retractions = self.retractions or (number,)
        elif not (self.stopping or self.harmless) and len(self.faults) < MAX_FAULTS and _is_fault(text):
            self.faults.append((number, text[:200]))

    def scan_counters(self, line: bytes) -> bool:
        """Read the scheduler's counters of a line; False when it has none."""
        match = _RUNNING_COUNT.search(line)
        if match is None or not match[1] or line.find(_BATCH) < 0:  # "in" takes twice as long
            return False
        running, fresh = int(match[1]), _NEW_COUNT.search(line)
        if fresh is not None:
            running += int(fresh[1] or 0)
        self.batches += 1
        self.graphs += _GRAPH.search(line) is not None
        self.peak_running = max(self.peak_running, running)
        for usage in _USAGE.findall(line):
            self.peak_usage = max(self.peak_usage, float(usage))
        self._add_tokens(line)
        self._add_stamps([line])
        return True

    def _add_stamps(self, lines: Sequence[bytes]) -> None:
        if len(self.stamps) < MAX_BUSY:
            self.stamps.update(line[:STAMP_BYTES] for line in lines)

    def _add_tokens(self, text: bytes) -> None:
        fresh = sum(int(number or 0) for number in _FRESH_TOKENS.findall(text))
        cached = sum(int(number or 0) for number in _CACHED_TOKENS.findall(text))
        self.prompt_tokens += fresh + cached
        self.cached_tokens += cached
        self.peak_rate = max(self.peak_rate, *map(float, _RATE.findall(text)), 0.0)

    def scan_alike(self, shape: bytes, lines: list[bytes]) -> None:
        """Read lines of one shape that hold at most counters: all at once when no line holds a counter twice."""
        text, once = b"\n".join(lines), all(shape.count(label) <= 1 for label in (_RUNNING, _NEW, _CAPTURED))
        running, fresh = _RUNNING_COUNT.findall(text), _NEW_COUNT.findall(text)
        regular = once and len(running) == len(lines) == text.count(_BATCH) and b"" not in running
        if not regular or shape.count(_BATCH) != 1 or len(fresh) not in (0, len(lines)):
            for line in lines:
                self.scan_counters(line)
            return
        self.batches += len(lines)
        self.graphs += len(_GRAPH.findall(text))
        new = [int(number or 0) for number in fresh] or [0] * len(lines)
        self.peak_running = max(self.peak_running, *map(add, map(int, running), new))
        self.peak_usage = max(self.peak_usage, *map(float, _USAGE.findall(text)), 0.0)
        self._add_tokens(text)
        self._add_stamps(lines)

    def summarise(self, lines: int) -> LogFacts:
        """The summary, given the number of lines of the whole log."""
        return LogFacts(
            lines,
            self.ready,
            self.graphs,
            self.batches,
            self.peak_running,
            self.peak_usage,
            self.retractions,
            tuple(self.faults),
            False if self.without_kernels else (None if self.bound_to is None else True),
            "" if self.without_kernels else self.bound_to or "",
            ready_lines=self.ready_lines,
            requests=dict(self.requests),
            refused=self.refused,
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            peak_rate=self.peak_rate,
            began=self.began,
            ended=self.ended,
            ready_at=self.ready_at,
            pid=self.pid,
            arguments=self.arguments,
            busy=tuple(sorted({time for line in self.stamps if (time := _time(line)) is not None})[:MAX_BUSY]),
        )


def _time(line: bytes) -> float | None:
    """The time stamp at the begin of a line, in seconds; ``None`` without one."""
    match = _TIME.match(line)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups())
    return float(timegm((year, month, day, hour, minute, second))) if 1 <= month <= 12 else None


def _is_fault(text: str) -> bool:
    return any(word in text for word in _FATAL) or _LEVEL_ERROR.search(text) is not None
