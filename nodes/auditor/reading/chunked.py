"""Parses a JSON object whose one long list is read in pieces, so that the whole list never exists as Python objects.

The inter-token latencies of a round are most of its bytes, and several times as much as Python objects. The text is
cut into the part before the list, the list's entries in pieces, and the part after it. Each part is completed with the
missing brackets and parsed by itself. If all parts are valid JSON, so is the whole, with the same content; a text that
cannot be cut like this returns ``None`` and is parsed as a whole by the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from bankable.nodes.auditor.reading.shape import MAX_CONTAINERS, count_containers

PIECE = 1 << 16
"""Bytes per piece, rounded up to the end of an entry: small enough to stay in the processor's cache."""
_OPENED = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*\[")
_AFTER = re.compile(rb"[ \t\r\n]*([,}])")


class ListSink(Protocol):
    """Receives the entries of a list, and replaces the list in the parsed object."""

    def add(self, entries: list[Any]) -> None:
        """Add entries. Raises ``ValueError`` for entries of another form: the text is then parsed as a whole."""


def load_chunked(text: bytes, key: str, sink: ListSink) -> dict[str, Any] | None:
    """Parse a JSON object and put ``sink`` in place of the list of lists under ``key``.

    Returns ``None`` when the text does not have that form, or has too many lists and objects.
    """
    cut = _cut(text, b'"%b"' % key.encode())
    if cut is None:
        return None
    left = MAX_CONTAINERS - count_containers(cut.head) - count_containers(cut.tail)
    if left < 0:
        return None
    try:
        before, after = orjson.loads(cut.head), orjson.loads(cut.tail)
        if type(before) is not dict or type(after) is not dict or bool(after) == cut.last:
            return None
        for piece in _pieces(text, cut.start, cut.end):
            entries = orjson.loads(piece)
            left -= len(entries)
            if not entries or left < 0:
                return None
            sink.add(entries)
    except ValueError:
        return None
    return {**before, key: sink, **after}


@dataclass(frozen=True)
class _Cut:
    """The parts of a text that is probably JSON; parsing shows whether it is."""

    head: bytes
    """The text before the list, with a number in its place: a JSON object only if the key is a top-level one."""
    start: int
    """Byte offset of the list's first entry."""
    end: int
    """Byte offset of the end of the list's last entry."""
    tail: bytes
    """The text after the list, completed to an object."""
    last: bool
    """Whether nothing follows the list."""


def _cut(text: bytes, name: bytes) -> _Cut | None:
    position = text.find(name)
    opening = _OPENED.match(text, position + len(name)) if position > 0 else None
    if opening is None or text[position - 1 : position] == b"\\":  # an escaped quote does not start a key
        return None
    start = opening.end()
    next_quote = text.find(b'"', start)  # numbers hold no quote: this one starts the next key
    end = text.rfind(b"]", start, next_quote if next_quote >= 0 else len(text))
    closing = _AFTER.match(text, end + 1) if end >= 0 else None
    if closing is None:
        return None
    last = closing[1] == b"}"
    return _Cut(text[:position] + name + b":0}", start, end, b"{" + text[closing.start(1) + (not last) :], last)


def _pieces(text: bytes, start: int, end: int) -> Iterator[bytes]:
    """JSON lists of consecutive entries between two offsets, each cut where an entry ends."""
    view = memoryview(text)
    while start <= end:  # equal after a trailing comma: yields an empty list, which the caller rejects
        stop = text.find(b"],", min(start + PIECE, end), end) + 1 or end
        yield b"".join((b"[", view[start:stop], b"]"))
        start = stop + 1
