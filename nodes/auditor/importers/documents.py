"""Reads the JSON objects of a file in any layout: a single object, an array, one per line, or concatenated.

Python writes ``NaN`` and ``Infinity``, which are not valid JSON: numpy's mean of an empty list, an unlimited request
rate. The rate is read as text; a latency, or a figure that nobody reads, is read as absent. A duration or a count that
is no number makes its document unusable.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from bankable.nodes.auditor.reading.chunked import Chunked, Sinks, SkippedLists, SkippedTexts, load_chunked
from bankable.nodes.auditor.reading.reader import MAX_LINE_BYTES, MAX_LINES, Json, Reader
from bankable.nodes.auditor.reading.rows import SINKS
from bankable.nodes.auditor.reading.shape import LARGE, has_too_many_containers

MAX_WHOLE_BYTES = 256 << 20
"""Size limit, bytes, of a file that is not one object per line: it has to be read at once."""
MAX_DOCUMENTS = 10_000
LARGEST, SMALLEST = 1e30, 1e-30
"""Bounds of a figure's magnitude: sums, ratios and logarithms within them stay finite."""
_UNLIMITED = re.compile(rb'("request_rate"\s*:\s*)Infinity')
_NOT_A_NUMBER = re.compile(
    rb'("(?P<key>[^"\\]{1,80})"\s*:\s*)(?:-?Infinity|NaN)\b|"(?:[^"\\]|\\.)*+"|-?\bInfinity\b|\bNaN\b'
)
"""A figure that is no number, with its key where it has one, or a string, which stays as it is."""
_NEEDED = re.compile(rb"duration|completed|failed|num_prompts|total_(?:input|output)_tokens|\w+_throughput")
_MARK = b"\xef\xbb\xbf"
_SKIM = 1 << 20
"""Bytes per read where a file is only looked through."""
_SKIPPED: Sinks = {"itls": SkippedLists, "generated_texts": SkippedTexts}


@dataclass(frozen=True)
class Document:
    """One object and where it began; ``line`` is ``None`` when it has no line of its own."""

    line: int | None
    content: Json


@dataclass(frozen=True)
class PeekedFile:
    """A file of which the first object was read."""

    first: Json | None
    """Without its long lists where it is large; ``None`` where nothing is usable."""
    parsed: tuple[Document, ...] | None = None
    """All objects of a file that had to be parsed as a whole."""


def documents(reader: Reader, name: str) -> Iterator[Document]:
    """Usable objects of a file in order. Unusable ones are reported to the reader.

    In a large object the lists of ``SINKS`` are read in pieces, and a sink stands in place of each.
    """
    path = reader.folder / name
    size = path.stat().st_size
    if LARGE <= size <= MAX_WHOLE_BYTES and _is_one_line(path):
        line = 1 if size <= MAX_LINE_BYTES else None
        chunked = _load_mapped(path)
        if chunked is not None:
            yield from _check(reader, name, line, chunked)
            return
    if _first_line(path) is not None:
        yield from _lines(reader, name, path)
    else:
        yield from _whole(reader, name, path)


def peek(reader: Reader, name: str) -> PeekedFile:
    """Read of a file what its format is detected by. Problems are reported to ``reader``."""
    path = reader.folder / name
    size = path.stat().st_size
    first = None
    if LARGE <= size <= MAX_WHOLE_BYTES and _is_one_line(path):
        first = _skim(path)
        if first is None and size <= MAX_LINE_BYTES:
            trial = Reader(reader.folder)
            if parsed := tuple(_lines(trial, name, path)):
                reader.merge(trial.problems, {})
                return PeekedFile(parsed[0].content, parsed)
    first = first or _first_line(path)
    if first is None and LARGE <= size <= MAX_WHOLE_BYTES:
        first = _skim(path)
    if first is not None:
        return PeekedFile(first)
    parsed = tuple(_whole(reader, name, path))
    return PeekedFile(parsed[0].content if parsed else None, parsed)


def _is_one_line(path: Path) -> bool:
    """Whether nothing follows the first end of a line."""
    with path.open("rb") as stream:
        while piece := stream.read(_SKIM):
            at = piece.find(b"\n")
            if at >= 0:
                return not piece[at + 1 :].strip() and not stream.read(1)
    return True


def _first_line(path: Path) -> Json | None:
    """The object on the first non-empty line; ``None`` when that line is no complete object."""
    with path.open("rb") as stream:
        for _ in range(MAX_LINES):
            begin = stream.tell()
            raw = stream.readline(_SKIM)
            if len(raw) == _SKIM and not raw.endswith(b"\n"):
                if not _ends_in_time(stream, len(raw)):
                    return None
                stream.seek(begin)
                raw = stream.readline(MAX_LINE_BYTES + 1)
            if not raw or len(raw) > MAX_LINE_BYTES:
                return None
            if raw.strip().removeprefix(_MARK):
                skimmed = load_chunked(raw, _SKIPPED, _clean, _SKIM) if len(raw) >= LARGE else None
                if skimmed is not None:
                    return skimmed.entry
                try:
                    document = orjson.loads(_clean(raw))
                except ValueError:
                    return None
                return document if isinstance(document, dict) else None
    return None


def _ends_in_time(stream: BinaryIO, length: int) -> bool:
    """Whether a line of which so many bytes were read is no longer than a line may be."""
    while piece := stream.read(_SKIM):
        if b"\n" in piece:
            return length + piece.index(b"\n") < MAX_LINE_BYTES
        length += len(piece)
        if length > MAX_LINE_BYTES:
            return False
    return True


def _skim(path: Path) -> Json | None:
    """The only object of a large file without its long lists; ``None`` where it does not come apart."""
    with map_file(path) as text:
        skimmed = load_chunked(text, _SKIPPED, _clean, _SKIM)
    return None if skimmed is None else skimmed.entry


@contextmanager
def map_file(path: Path) -> Iterator[mmap.mmap]:
    """A file that is not empty, mapped into memory. It must be a copy that nobody else cuts off."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        yield text


def unmarked(path: Path) -> bool:
    """Whether the first line is one complete JSON object."""
    with path.open("rb") as stream:
        raw = stream.readline(MAX_LINE_BYTES).strip()
    return raw.startswith(b"{") and raw.endswith(b"}") and b"Infinity" not in raw and b"NaN" not in raw


def _lines(reader: Reader, name: str, path: Path) -> Iterator[Document]:
    with path.open("rb") as stream:
        for number in range(1, MAX_LINES + 1):
            raw = stream.readline(MAX_LINE_BYTES + 1)
            if not raw:
                return
            if len(raw) > MAX_LINE_BYTES:
                reader.report(name, number, "too_large", f"line of more than {MAX_LINE_BYTES} bytes; reading stops")
                return
            chunked = load_chunked(raw, SINKS, _clean) if len(raw) >= LARGE else None
            if chunked is not None:
                yield from _check(reader, name, number, chunked)
            elif raw.strip():
                document = reader.parse(_clean(raw), name, number, torn=not raw.endswith(b"\n"))
                if document is not None:
                    yield Document(number, document)


def _load_mapped(path: Path) -> Chunked | None:
    with map_file(path) as text:
        return load_chunked(text, SINKS, _clean)


def _check(reader: Reader, name: str, line: int | None, chunked: Chunked) -> Iterator[Document]:
    entry = reader.check(chunked.entry, chunked.rest, name, line)
    if entry is not None:
        yield Document(line, entry)


def _whole(reader: Reader, name: str, path: Path) -> Iterator[Document]:
    size = path.stat().st_size
    if size > MAX_WHOLE_BYTES:
        reader.report(name, None, "too_large", f"more than {MAX_WHOLE_BYTES} bytes and not one object a line")
        return
    if size >= LARGE:
        chunked = _load_mapped(path)
        if chunked is not None:
            yield from _check(reader, name, None, chunked)
            return
    data = _clean(path.read_bytes())
    if data.startswith(b"["):
        # Wrapped, so that depth and repeated keys are checked as everywhere else.
        wrapped = reader.parse(b'{"all":' + data + b"}", name, None)
        for entry in (wrapped or {}).get("all", [])[:MAX_DOCUMENTS]:
            if isinstance(entry, dict):
                yield Document(None, entry)
            else:
                reader.report(name, None, "malformed", f"expected objects, found {type(entry).__name__}")
        return
    for document in _objects(reader, name, data):
        if document is not None:
            yield Document(None, document)


def _objects(reader: Reader, name: str, data: bytes) -> Iterator[Json | None]:
    """The only object of a text, or several that are concatenated; ``None`` for one that is unusable."""
    try:
        only = None if has_too_many_containers(data) else orjson.loads(data)
    except ValueError:
        for piece in _pieces(data) or [data]:
            yield reader.parse(piece, name, None)
        return
    yield reader.check(only, data, name, None) if isinstance(only, dict) else reader.parse(data, name, None)


def _pieces(data: bytes) -> list[bytes]:
    """Concatenated objects of a text that is no single one; nothing when it is not text."""
    decoder = json.JSONDecoder()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return []
    pieces: list[bytes] = []
    start = 0
    while len(pieces) < MAX_DOCUMENTS:
        while start < len(text) and text[start] in " \t\r\n,":
            start += 1
        if start == len(text):
            break
        try:
            _, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            pieces.append(text[start:].encode())  # the parser reports it as malformed
            break
        pieces.append(text[start:end].encode())
        start = end
    return pieces


def _clean(data: bytes) -> bytes:
    data = data.strip().removeprefix(_MARK).strip()
    if b"Infinity" not in data and b"NaN" not in data:
        return data
    data = _UNLIMITED.sub(rb'\1"inf"', data)
    return _NOT_A_NUMBER.sub(_to_null, data)


def _to_null(match: re.Match[bytes]) -> bytes:
    if match["key"] is not None:
        return match[0] if _NEEDED.fullmatch(match["key"]) else match[1] + b"null"
    return match[0] if match[0].startswith(b'"') else b"null"


def number(value: Any) -> float | None:
    """A number between the bounds, else ``None``; a smaller magnitude is 0. Text and booleans are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not -LARGEST <= value <= LARGEST:  # also false for NaN
        return None
    return float(value) if abs(value) >= SMALLEST else 0.0


def whole(value: Any) -> int | None:
    """A whole number of at least 0, else ``None``."""
    as_number = number(value)
    if as_number is None or as_number < 0 or as_number != int(as_number):
        return None
    return int(value)


def part(value: Any, *names: str) -> Any:
    """The value under nested keys, ``None`` where one of them is missing."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
