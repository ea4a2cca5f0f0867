"""The wire protocol between the orchestrator and its workers: one JSON object a line, typed at both ends.

The messages are in ``messages.py``. One end may run under the engine's interpreter: standard library only. Requests
come on standard input. Replies go to a descriptor or a file of their own, never to standard output, which a candidate
or a plug-in can write to. A line is taken only if it is whole, and of an expected message with every field of its
type.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

M = TypeVar("M")
KIND = "message"
"""Key of a line's object under which its dataclass is named."""


class ProtocolError(ValueError):
    """A line that is no message, or another one than expected."""


class WorkerLateError(Exception):
    """No whole line came in time."""


class WorkerGoneError(Exception):
    """The other end is closed, or sent more than it may."""


def encode(message: Any) -> bytes:
    """One line. ``message`` is one of ``messages.py``."""
    return (json.dumps({KIND: type(message).__name__, **asdict(message)}) + "\n").encode()


def decode(line: bytes | str, *expected: type[M]) -> M:
    """The message of a line. Raises ``ProtocolError`` for anything but an expected one, right in every field."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise ProtocolError(f"not JSON: {problem}") from None
    if not isinstance(entry, dict):
        raise ProtocolError("not an object")
    name = entry.pop(KIND, None)
    kind = next((item for item in expected if item.__name__ == name), None)
    if kind is None:
        raise ProtocolError(f"message {name!r}, expected {', '.join(kind.__name__ for kind in expected)}")
    return _built(kind, entry, kind.__name__)


def send(target: int, message: Any) -> None:
    """Write a message to a file descriptor, whole."""
    rest = encode(message)
    while rest:
        rest = rest[os.write(target, rest) :]


def whole_lines(content: bytes) -> Iterator[bytes]:
    """Lines with an end; what a dying process left of its last one is dropped."""
    yield from content.split(b"\n")[:-1]


def objects(path: Path) -> Iterator[dict[str, Any]]:
    """What a job wrote about itself, line by line: untyped, for its process may have been a candidate's. Lines that are
    torn or no objects are dropped; none where there is no file."""
    if path.is_file():
        for line in whole_lines(path.read_bytes()):
            with contextlib.suppress(ValueError, RecursionError):
                entry = json.loads(line)
                if isinstance(entry, dict):
                    yield entry


class LineReader:
    """Lines from a file descriptor, each by a deadline and all within a number of bytes."""

    def __init__(self, source: int, most_bytes: int) -> None:
        self._source, self._most = source, most_bytes
        self._pending, self._left = b"", most_bytes

    def refill(self) -> None:
        """Allow ``most_bytes`` again: a new request was sent."""
        self._left = self._most

    def line(self, deadline: float) -> bytes:
        """The next line, by ``time.monotonic``. Raises ``WorkerLateError`` and ``WorkerGoneError``."""
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self._source], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise WorkerLateError
            piece = os.read(self._source, 1 << 16)
            self._left -= len(piece)
            if not piece or self._left < 0:
                raise WorkerGoneError
            self._pending += piece
        line, self._pending = self._pending.split(b"\n", 1)
        return line


@cache
def _types(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _built(kind: type[M], entry: dict[str, Any], where: str) -> M:
    named: Any = kind
    types = _types(named)
    if unknown := sorted(set(entry) - set(types)):
        raise ProtocolError(f"{where}.{unknown[0]}: no such field")
    try:
        return kind(**{name: _value(types[name], value, f"{where}.{name}") for name, value in entry.items()})
    except TypeError as problem:  # a field without a default is missing
        raise ProtocolError(f"{where}: {problem}") from None


def _value(kind: Any, value: Any, where: str) -> Any:
    """A value of that type. Raises ``ProtocolError``."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any or (origin in (Union, UnionType) and value is None and NoneType in arguments):
        return value
    if origin in (Union, UnionType):
        checked = _value(next(argument for argument in arguments if argument is not NoneType), value, where)
    elif origin is tuple and isinstance(value, list):
        checked = tuple(_value(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    elif origin is dict and isinstance(value, dict):
        checked = {name: _value(arguments[1], item, f"{where}.{name}") for name, item in value.items()}
    elif is_dataclass(kind) and isinstance(kind, type) and isinstance(value, dict):
        checked = _built(kind, value, where)
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        checked = float(value)
    elif isinstance(kind, type) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        checked = value
    else:
        raise ProtocolError(f"{where}: {type(value).__name__} is not {getattr(kind, '__name__', kind)}")
    return checked
