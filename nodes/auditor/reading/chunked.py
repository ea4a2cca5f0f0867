"""Parses a JSON object whose long lists are read in pieces, so that they never exist whole as Python objects.

The inter-token latencies of a round are most of its bytes, and several times as much as Python objects; answers come
next. The text is cut into the lists' entries, in pieces, and the parts between the lists. Each part is completed with
the missing brackets and parsed by itself. If all parts are valid JSON, so is the whole, with the same content: a piece
that begins at an entry and parses as a list ends at an entry, too. A text that cannot be cut like this returns ``None``
and is parsed as a whole by the caller.

The text may be a file that is mapped into memory. Its pages are given back as soon as they are read.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from bankable.nodes.auditor.reading.shape import MAX_CONTAINERS, count_containers

PIECE = 1 << 17
"""Bytes per piece, rounded to the end of an entry: small enough to stay in the processor's cache."""
MAX_TRIES = 16
"""Places that are tried as the end of a piece of texts: a text may hold what looks like one."""
_MAPPED = 1 << 22
"""Bytes of a mapped file after which the pages that were read are given back."""
_OPENED = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*")
_AFTER = re.compile(rb"[ \t\r\n]*([,}])")
_SPACE = b" \t\r\n"
_LARGEST_INDENT = 64
"""Bytes of white space before a closing bracket."""

Text = bytes | mmap.mmap


class ListSink(Protocol):
    """Receives the entries of a list, and replaces the list in the parsed object."""

    def add_text(self, piece: bytes) -> int:
        """Add the entries of a JSON list and return their number.

        Raises ``ValueError``, and adds nothing, for a text that is no list or has entries of another form.
        """


Sinks = Mapping[str, Callable[[], ListSink]]
"""Keys of long lists, and a factory of the sink that receives the list's entries."""


@dataclass(frozen=True)
class Chunked:
    """An object that was parsed in pieces."""

    entry: dict[str, Any]
    """The object, with a sink in place of each long list."""
    rest: bytes
    """Its text, with a number in place of each long list."""


def load_chunked(
    text: Text, sinks: Sinks, clean: Callable[[bytes], bytes] | None = None, piece: int | None = None
) -> Chunked | None:
    """Parse a JSON object and put sinks in place of its lists of lists of numbers, and of texts, under their keys.

    ``clean`` changes what is between the lists before it is parsed. ``piece``: bytes per piece. Returns ``None`` when
    the text does not have that form, or has too many lists and objects.
    """
    try:
        return _take_apart(text, sinks, clean or bytes, _Walk(text, piece or PIECE, MAX_CONTAINERS))
    except ValueError:
        return None


def _take_apart(text: Text, sinks: Sinks, clean: Callable[[bytes], bytes], walk: _Walk) -> Chunked:
    """The same. Raises ``ValueError`` instead."""
    entry: dict[str, Any] = {}
    parts: list[bytes] = []
    left = dict(sinks)
    at, opening, closing = 0, b"", b""
    while closing != b"}" and (found := _next_list(text, left, at)) is not None:
        name, start, first = found
        parts.append(opening + text[at:start] + b'"%b":0}' % name.encode())
        before = _load(clean(parts[-1]))
        sink = left.pop(name)()
        end = walk.lists(first, sink) if text[first : first + 1] == b"[" else walk.texts(first, sink)
        after = _AFTER.match(text, end + 1)
        if name not in before or after is None:
            raise ValueError("not the value of a key of this object")
        entry |= {**before, name: sink}
        closing, opening = after[1], b"{"
        at = after.start(1) + (closing == b",")
        if closing == b"}" and text[at + 1 : at + _LARGEST_INDENT].strip(_SPACE):
            raise ValueError("another object follows")
    if not parts:
        raise ValueError("none of these lists")
    parts.append(b"{" + text[at:])
    rest = _load(clean(parts[-1]))
    walk.count(sum(map(count_containers, parts)))
    if bool(rest) == (closing == b"}"):
        raise ValueError("a comma at the end")
    return Chunked({**entry, **rest}, _join(parts))


def _load(part: bytes) -> dict[str, Any]:
    """A part of the object, completed to one. Raises ``ValueError`` for anything else."""
    value = orjson.loads(part)
    if type(value) is not dict:
        raise ValueError("not an object")
    return value


def _join(parts: list[bytes]) -> bytes:
    """The parts as one text: each ends in a bracket that was added, and all but the first begin with one."""
    *before, last = parts
    joined = b",".join([before[0][:-1], *(part[1:-1] for part in before[1:])])
    return joined + (last[1:] if not last[1:].strip(_SPACE + b"}") else b"," + last[1:])


def _next_list(text: Text, names: Mapping[str, object], at: int) -> tuple[str, int, int] | None:
    """Key, offset of the key and offset of the first entry of the next of these lists; lists without entries not."""
    nearest: tuple[str, int, int] | None = None
    for name in names:
        key = b'"%b"' % name.encode()
        position, most = at, len(text) if nearest is None else nearest[1]
        while (position := text.find(key, position, most)) >= 0:
            opened = _OPENED.match(text, position + len(key))
            # An escaped quote does not start a key.
            if opened is not None and position > 0 and text[position - 1 : position] != b"\\":
                if text[opened.end() : opened.end() + 1] in (b"[", b'"'):
                    nearest = (name, position, opened.end())
                break
            position += len(key)
    return nearest


class _Walk:
    """Hands the entries of lists to their sinks. Raises ``ValueError`` when a list does not come apart."""

    def __init__(self, text: Text, piece: int, left: int) -> None:
        self._text, self._piece = text, piece
        self._left = left
        """Lists and objects that the text may still have."""
        self._released = 0

    def lists(self, start: int, sink: ListSink) -> int:
        """Read a list of lists of numbers from its first entry on; returns the offset of its last bracket."""
        text, window = self._text, self._piece
        while True:
            stop = min(start + window, len(text))
            # Numbers hold no quote: one starts the next key.
            quote = text.find(b'"', start, stop)
            if quote < 0 and stop < len(text):
                cut = text.rfind(b"[", start + 1, stop)
                if cut < 0:
                    window *= 2  # one entry that is longer than a piece
                    continue
                entries = text[start:cut].rstrip(_SPACE)
                if not entries.endswith(b","):
                    raise ValueError("no comma between entries")
                self.count(_add(sink, entries[:-1]))
                start, window = cut, self._piece
                self._release(start)
                continue
            end = text.rfind(b"]", start, quote if quote >= 0 else len(text))
            if end < 0:
                raise ValueError("the list does not end")
            self.count(_add(sink, text[start:end]))
            return end

    def texts(self, start: int, sink: ListSink) -> int:
        """The same of a list of texts."""
        text, window = self._text, self._piece
        while True:
            stop = min(start + window, len(text))
            end = self._try_last(start, stop, sink)
            if end is not None:
                return end
            cut = self._try_piece(start, stop, sink)
            if cut is None:
                if stop == len(text):
                    raise ValueError("the list does not end")
                window *= 2
                continue
            start, window = cut, self._piece
            self._release(start)

    def _try_last(self, start: int, stop: int, sink: ListSink) -> int | None:
        """Offset of the list's last bracket, where the list ends in the window; its entries were added."""
        end, tries = self._text.find(b"]", start, stop), 0
        while end >= 0 and tries < MAX_TRIES:
            if self._text[max(start, end - _LARGEST_INDENT) : end].rstrip(_SPACE).endswith(b'"'):
                tries += 1
                try:
                    _add(sink, self._text[start:end])
                    return end
                except ValueError:
                    pass  # these bytes are inside a text
            end = self._text.find(b"]", end + 1, stop)
        return None

    def _try_piece(self, start: int, stop: int, sink: ListSink) -> int | None:
        """Offset of the first entry after a piece, which was added; ``None`` where no piece ends in the window."""
        cut = stop
        for _ in range(MAX_TRIES):
            cut = self._text.rfind(b'",', start, cut)
            if cut < 0:
                return None
            try:
                _add(sink, self._text[start : cut + 1])
            except ValueError:
                continue
            after = cut + 2
            while self._text[after : after + 1] in (b" ", b"\t", b"\r", b"\n"):
                after += 1
            return after
        return None

    def count(self, lists: int) -> None:
        self._left -= lists
        if self._left < 0:
            raise ValueError("too many lists")

    def _release(self, read: int) -> None:
        if isinstance(self._text, mmap.mmap) and read - self._released >= _MAPPED and hasattr(mmap, "MADV_DONTNEED"):
            step = read - read % mmap.PAGESIZE
            self._text.madvise(mmap.MADV_DONTNEED, self._released, step - self._released)
            self._released = step


def _add(sink: ListSink, entries: bytes) -> int:
    count = sink.add_text(b"[%b]" % entries)
    if not count:
        raise ValueError("no entry where one was expected")
    return count


class SkippedLists:
    """Takes a list of lists unread, where only the rest of an object is asked for."""

    def add_text(self, piece: bytes) -> int:
        return 1


class SkippedTexts:
    """Takes texts and keeps none."""

    def add_text(self, piece: bytes) -> int:
        entries = orjson.loads(piece)
        return len(entries) if type(entries) is list else 0
