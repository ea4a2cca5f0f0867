"""A JSON object of which one long list is parsed a piece at a time.

A round's gaps between tokens are most of its bytes, and as objects several times as much. So its text is cut: what
stands before the list, the list's entries in pieces, what stands after. Each part is completed with the brackets that
it lacks and parsed by itself. If all parts are JSON, the whole is, and says what they say; a text that does not come
apart like that is left to whoever parses it whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from bankable.nodes.auditor.reading.shape import MAX_CONTAINERS, containers

PIECE = 1 << 16
"""Bytes, up to the end of an entry: what is parsed of it stays in the processor's cache."""
_OPENED = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*\[")
_AFTER = re.compile(rb"[ \t\r\n]*([,}])")


class Taker(Protocol):
    """Takes the entries of a list, and stands in for it."""

    def add(self, entries: list[Any]) -> None:
        """Take some more. Raises ``ValueError`` for entries that it does not know: the text is then parsed whole."""


def load_apart(text: bytes, key: str, taker: Taker) -> dict[str, Any] | None:
    """The object of a JSON text, with ``taker`` in place of the list of lists under ``key``.

    ``None`` when the text is not of that form, or has too many lists and objects.
    """
    cut = _cut(text, b'"%b"' % key.encode())
    if cut is None:
        return None
    left = MAX_CONTAINERS - containers(cut.head) - containers(cut.tail)
    if left < 0:
        return None
    try:
        before, behind = orjson.loads(cut.head), orjson.loads(cut.tail)
        if type(before) is not dict or type(behind) is not dict or bool(behind) == cut.last:
            return None
        for piece in _pieces(text, cut.start, cut.end):
            entries = orjson.loads(piece)
            left -= len(entries)
            if not entries or left < 0:
                return None
            taker.add(entries)
    except ValueError:
        return None
    return {**before, key: taker, **behind}


@dataclass(frozen=True)
class _Cut:
    """Where a text is cut, should it be JSON."""

    head: bytes
    """What stands before the list, and a number in its place: an object only if the list's key is the outermost's."""
    start: int
    """Of the list's first entry."""
    end: int
    """Of the list's last entry."""
    tail: bytes
    """An object of what stands after the list."""
    last: bool
    """Nothing stands after it."""


def _cut(text: bytes, name: bytes) -> _Cut | None:
    place = text.find(name)
    opened = _OPENED.match(text, place + len(name)) if place > 0 else None
    if opened is None or text[place - 1 : place] == b"\\":  # an escaped quote begins no key
        return None
    start = opened.end()
    beyond = text.find(b'"', start)  # there is no text among numbers: it is the next key's
    end = text.rfind(b"]", start, beyond if beyond >= 0 else len(text))
    after = _AFTER.match(text, end + 1) if end >= 0 else None
    if after is None:
        return None
    last = after[1] == b"}"
    return _Cut(text[:place] + name + b":0}", start, end, b"{" + text[after.start(1) + (not last) :], last)


def _pieces(text: bytes, start: int, end: int) -> Iterator[bytes]:
    """The entries between two places as lists of some of them, cut where one ends in a bracket."""
    view = memoryview(text)
    while start <= end:  # equal after a last comma: an empty piece, which is none
        stop = text.find(b"],", min(start + PIECE, end), end) + 1 or end
        yield b"".join((b"[", view[start:stop], b"]"))
        start = stop + 1
