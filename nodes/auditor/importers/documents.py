"""Reads the JSON objects of a file in any layout: a single object, an array, one per line, or concatenated.

Python writes ``NaN`` and ``Infinity``, which are not valid JSON: numpy's mean of an empty list, an unlimited request
rate. The rate is read as text; a latency, or a figure that nobody reads, is read as absent. A duration or a count that
is no number makes its document unusable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bankable.nodes.auditor.reading.reader import MAX_LINE_BYTES, MAX_LINES, Json, Reader

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


@dataclass(frozen=True)
class Document:
    """One object and where it began; ``line`` is ``None`` when it has no line of its own."""

    line: int | None
    content: Json


def documents(reader: Reader, name: str) -> Iterator[Document]:
    """Usable objects of a file in order. Unusable ones are reported to the reader."""
    path = reader.folder / name
    if _first_line(path) is not None:
        yield from _lines(reader, name, path)
    else:
        yield from _whole(reader, name, path)


def peek(reader: Reader, name: str) -> Json | None:
    """The first object of a file, used to detect its format. Problems are reported to ``reader``."""
    path = reader.folder / name
    alone = _first_line(path)
    return alone if alone is not None else next((entry.content for entry in _whole(reader, name, path)), None)


def _first_line(path: Path) -> Json | None:
    """The object on the first non-empty line; ``None`` when that line is no complete object."""
    with path.open("rb") as stream:
        for _ in range(MAX_LINES):
            raw = stream.readline(MAX_LINE_BYTES + 1)
            if not raw:
                return None
            if raw.strip().removeprefix(_MARK):
                try:
                    document = orjson.loads(_clean(raw))
                except ValueError:
                    return None
                return document if isinstance(document, dict) else None
    return None


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
            if raw.strip():
                document = reader.parse(_clean(raw), name, number, torn=not raw.endswith(b"\n"))
                if document is not None:
                    yield Document(number, document)


def _whole(reader: Reader, name: str, path: Path) -> Iterator[Document]:
    if path.stat().st_size > MAX_WHOLE_BYTES:
        reader.report(name, None, "too_large", f"more than {MAX_WHOLE_BYTES} bytes and not one object a line")
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
    pieces = list(_pieces(data))
    for piece in pieces or [data]:
        document = reader.parse(piece, name, None)
        if document is not None:
            yield Document(None, document)


def _pieces(data: bytes) -> Iterator[bytes]:
    """Concatenated objects; nothing when the file is one object, or not JSON."""
    try:
        orjson.loads(data)
        return
    except ValueError:
        pass
    decoder = json.JSONDecoder()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    start = 0
    for _ in range(MAX_DOCUMENTS):
        while start < len(text) and text[start] in " \t\r\n,":
            start += 1
        if start == len(text):
            return
        try:
            _, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            yield text[start:].encode()  # the parser reports it as malformed
            return
        yield text[start:end].encode()
        start = end


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
