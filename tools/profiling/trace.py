"""Reader of Chrome traces as the torch profiler writes them (``*.trace.json``, plain or gzip).

How to take a trace of the steady mix (P07)
-------------------------------------------
Measured on sglang 0.5.23: profiling that starts with the load records the idle scheduler, the client's warm-up
request and the cold prefill ramp. What gives two full cycles of the steady mix instead:

1. flush the prefix cache and use a seed that this server has not seen, or every prefill is one token long (C17);
2. start a round of at least ``5 · concurrency`` requests;
3. poll ``GET /v1/loads`` every 0.1 s until ``loads[0].num_running_reqs`` = min(concurrency, max running requests):
   the first wave has been prefilled and is decoding; after 60 s start anyway, the window then says what it holds;
4. ``POST /start_profile`` with ``{"activities": ["CPU"], "record_shapes": true, "with_stack": false, "num_steps":
   N, "output_dir": …, "profile_id": …}`` (``["CPU", "GPU"]`` on a GPU), ``N = min(200, 2 · (output_len + 4))``: with
   fixed lengths all requests of a wave finish together, and a shorter window holds decode steps only.
   ``with_stack`` defaults to **true** in sglang: files more than double and the export takes far longer;
5. wait until ``is_complete`` says so: the file grows in place while it is written, and the scheduler answers nobody
   meanwhile (0.1 s per step on a quiet CPU, ten times that on a loaded one). Allow 120 s, and throw the round's own
   timings away.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson

from bankable.tools.errors import UserError
from bankable.tools.profiling.blocks import NO_ARGUMENTS, BlockEvent, decode_block
from bankable.tools.profiling.quoted import LINE, decode_event

MAX_FILE_BYTES = 512 * 2**20
MAX_TEXT_BYTES = 3 * 2**30
MAX_EVENTS = 4_000_000
MAX_NAME = 4_096
MAX_FIELD = 2_000
MAX_TIME = 1e18
CHUNK = 4 * 2**20
MAX_HEADER = 8 * 2**20
"""An event, or what precedes the event list, may not be longer than this."""
GZIP_MAGIC = b"\x1f\x8b"

OPERATOR = "cpu_op"
KERNELS = frozenset({"kernel", "gpu_memcpy", "gpu_memset"})
ANNOTATIONS = frozenset({"user_annotation", "gpu_user_annotation"})
LAUNCHES = frozenset({"cuda_runtime", "cuda_driver", "hip_runtime", "xpu_runtime"})
KEPT = frozenset({OPERATOR}) | KERNELS | ANNOTATIONS | LAUNCHES


class TraceEvent(NamedTuple):
    """One complete ("X") event. A tuple: a trace has hundreds of thousands of them."""

    name: str
    category: str
    lane: str
    """Process and thread, or device and stream."""
    start: float
    """Microseconds."""
    duration: float
    dims: str
    dtypes: str
    external: int | None
    """Links a kernel to the framework operator that launched it."""
    correlation: int | None
    """Links a kernel to the runtime call that launched it."""
    finished: bool = True

    @property
    def end(self) -> float:
        return self.start + self.duration


@dataclass(frozen=True)
class Trace:
    """The events of one file that this project uses, in time order."""

    name: str
    digest: str
    size: int
    events: tuple[TraceEvent, ...]
    total: int
    malformed: int
    torn: bool
    with_stack: bool


def is_complete(path: Path) -> bool:
    """Whether the whole file is there: readable to its end, and the end closes the JSON document."""
    tail = b""
    try:
        with path.open("rb") as raw, _text(raw) as text:
            while block := text.read(CHUNK):
                tail = (tail + block)[-64:]
    except (OSError, EOFError, zlib.error):
        return False
    return tail.rstrip().endswith((b"}", b"]"))


def read_trace(path: Path) -> Trace:
    """Read one trace. Memory is bounded by the number of events, not by what a file claims.

    Raises ``UserError`` when the file is missing, no trace, or larger than any trace that this project would take. A
    file that ends early is read up to its tear.
    """
    where = str(path)
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise UserError(
                f"Cannot read the trace: {size} bytes are over the limit of {MAX_FILE_BYTES}",
                where,
                "profile fewer steps",
            )
        with path.open("rb") as raw:
            digest = hashlib.file_digest(raw, "sha256").hexdigest()
            raw.seek(0)
            return _collect(path.name, digest, size, _Objects(raw, where))
    except OSError as error:
        raise UserError(f"Cannot read the trace: {error.strerror or error}", where, "give a readable file") from error


def _collect(name: str, digest: str, size: int, objects: _Objects) -> Trace:
    events: list[TraceEvent] = []
    total = malformed = 0
    with_stack = False
    for fields in objects:
        total += 1
        if total > MAX_EVENTS:
            raise UserError(
                f"Cannot read the trace: it holds more than {MAX_EVENTS} events", objects.where, "profile fewer steps"
            )
        match fields:
            case BlockEvent():
                category, phase = fields.cat, fields.ph
            case dict():
                category, phase = fields.get("cat"), fields.get("ph")
            case _:
                malformed += 1
                continue
        with_stack |= category == "python_function"
        if phase != "X" or not isinstance(category, str) or category not in KEPT:
            continue
        event = _block_event(fields, category) if isinstance(fields, BlockEvent) else _event(fields, category)
        if event is None:
            malformed += 1
        else:
            events.append(event)
    events.sort(key=lambda event: (event.start, -event.duration))
    return Trace(name, digest, size, tuple(events), total, malformed, objects.torn, with_stack)


def _event(fields: dict[str, Any], category: str) -> TraceEvent | None:
    name, start, duration = fields.get("name"), _time(fields.get("ts")), _time(fields.get("dur"))
    if not isinstance(name, str) or start is None or duration is None or duration < 0:
        return None
    arguments = fields.get("args")
    arguments = arguments if isinstance(arguments, dict) else {}
    return TraceEvent(
        sys.intern(name[:MAX_NAME]),
        sys.intern(category),
        _lane(fields.get("pid"), fields.get("tid")),
        start,
        duration,
        _compact(arguments.get("Input Dims")),
        _compact(arguments.get("Input type")),
        _integer(arguments.get("External id")),
        _integer(arguments.get("correlation")),
        arguments.get("finished") is not False,
    )


def _block_event(fields: BlockEvent, category: str) -> TraceEvent | None:
    name, start, duration = fields.name, fields.ts, fields.dur
    if name is None or start is None or duration is None:
        return None
    if not (-MAX_TIME < start < MAX_TIME and 0 <= duration < MAX_TIME):
        return None
    arguments = fields.args or NO_ARGUMENTS
    return TraceEvent(
        sys.intern(name[:MAX_NAME]),
        sys.intern(category),
        _cached_lane(fields.pid, fields.tid),
        start,
        duration,
        _compact_raw(bytes(arguments.dims)),
        _compact_raw(bytes(arguments.types)),
        _integer(arguments.external),
        _integer(arguments.correlation),
        arguments.finished is not False,
    )


@lru_cache(maxsize=4096, typed=True)
def _cached_lane(process: float | str | None, thread: float | str | None) -> str:
    return _lane(process, thread)


def _lane(process: object, thread: object) -> str:
    return sys.intern(f"{process!s:.40}/{thread!s:.40}")


def _time(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < MAX_TIME else None  # NaN compares false


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _compact(value: object) -> str:
    if not isinstance(value, list) or not value:
        return ""
    try:
        return sys.intern(orjson.dumps(value)[:MAX_FIELD].decode("utf-8", "replace"))
    except TypeError:  # deeper, larger or stranger than a list of shapes is
        return ""


@lru_cache(maxsize=65_536)
def _compact_raw(raw: bytes) -> str:
    """The same of a value that is not decoded yet; a trace has few different ones."""
    return _compact(msgspec.json.decode(raw))


def _text(raw: io.BufferedReader) -> io.BufferedReader | gzip.GzipFile:
    magic = raw.read(2)
    raw.seek(0)
    return gzip.GzipFile(fileobj=raw) if magic == GZIP_MAGIC else raw


class _Objects:
    """Iterates over the objects of ``traceEvents`` (or of a bare list) without holding the document."""

    def __init__(self, raw: io.BufferedReader, where: str) -> None:
        self.where = where
        self.torn = False
        self._source = _text(raw)
        self._taken = 0

    def _more(self) -> str:
        try:
            # read1: what was unpacked before a tear is handed out before the tear raises
            block = self._source.read1(CHUNK)
        except (EOFError, OSError, zlib.error):
            self.torn = True
            return ""
        self._taken += len(block)
        if self._taken > MAX_TEXT_BYTES:
            raise UserError(
                f"Cannot read the trace: it unpacks to more than {MAX_TEXT_BYTES} bytes",
                self.where,
                "profile fewer steps",
            )
        return block.decode("utf-8", "replace")

    def _start(self) -> tuple[str, int]:
        """Text read so far, and the position after the bracket that opens the event list."""
        text = self._more()
        while True:
            if text.lstrip().startswith("["):
                return text, text.index("[") + 1
            key = text.find('"traceEvents"')
            bracket = text.find("[", key) if key >= 0 else -1
            if bracket >= 0:
                return text, bracket + 1
            block = self._more() if len(text) < MAX_HEADER else ""
            if not block:
                raise UserError(
                    "Cannot read the trace: no event list found",
                    self.where,
                    "give a Chrome trace of the torch profiler (*.trace.json[.gz])",
                )
            text += block

    def __iter__(self) -> Iterator[object]:
        text, at = self._start()
        one_by_one = at
        while True:
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
            if at < len(text) and text[at] == "]":
                return
            if at >= one_by_one:
                block, end = decode_block(text, at)
                if block:
                    yield from block
                    at = end
                    continue
                one_by_one = end  # what could not be read at once is not tried again event by event
            try:
                fields, end = decode_event(text, at)
            except RecursionError:
                raise UserError(
                    "Cannot read the trace: events are nested too deeply", self.where, "give an unmodified trace"
                ) from None
            except ValueError:
                if len(text) - at > MAX_HEADER:
                    place = self._taken - (len(text) - at)
                    raise UserError(
                        f"Cannot read the trace: event at byte {place} is not JSON, or too long",
                        self.where,
                        "give an unmodified trace",
                    ) from None
                more = self._more()
                if not more:
                    self.torn = True
                    return
                text, one_by_one, at = text[at:] + more, max(0, one_by_one - at), 0
                continue
            if len(text) - end < LINE and (more := self._more()):  # what seems its end may be part of a name
                text, one_by_one, at = text[at:] + more, max(0, one_by_one - at), 0
                continue
            at = end
            yield fields
