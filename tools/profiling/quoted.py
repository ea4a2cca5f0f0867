"""Decodes trace events whose names contain unescaped quotes.

torch 2.13 writes the name of a span as it is: libkineto replaces line ends and backslashes in it, and quotes only from
torch 2.15 on. A name such as ``step["a"]`` therefore makes the file invalid JSON. The writer puts each name on a line
of its own, so the last quote of that line is the end of the name. Where an event is valid JSON as it stands, it is read
as such: a name like ``a", "b": "c`` cannot be told from two fields on one line.
"""

from __future__ import annotations

import json
import re

LINE = 4096
"""Characters in which the end of a name's line is looked for."""
WINDOWS = (64 * 2**10, 8 * 2**20)
"""Characters of text in which an event is repaired: the first is enough for nearly all and cheap to copy."""
MAX_LINES = 8
"""Largest number of lines of one event that are repaired."""
NAME = '"name": "'
NAME_LINE = re.compile(r'(\s*"name": ")(.*)("\s*,?\s*)')
UNESCAPED = re.compile(r'(?<!\\)"')
SUSPECT = re.compile(r'"name": "[^"\n]*"(?!\s*,?\s*\n)')
"""A name whose line goes on behind the first quote: an escaped quote, one that should be, or another field."""
DECODER = json.JSONDecoder(strict=False)
"""Takes control characters in strings: the profiler writes a tab in a name as it is."""


def decode_event(text: str, start: int) -> tuple[object, int]:
    """The JSON value that begins at ``start``, and the position after it.

    Raises ``json.JSONDecodeError`` when the text holds no whole value there, even with the quotes of its names escaped.
    """
    try:
        value, end = DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        repaired = _decode_repaired(text, start, error.pos)
        if repaired is None:
            raise
        return repaired
    if _ends_in_name(text, start, end):
        return _decode_repaired(text, start, end) or (value, end)
    return value, end


def escape_first_name(text: str, last: int) -> str | None:
    """``text`` with the quotes escaped in the first name that has any and whose line begins at ``last`` or before.

    None when there is no such line that is complete and holds nothing else than one name.
    """
    begin = 0
    while begin <= last:
        end = text.find("\n", begin)
        if end < 0:
            return None
        line = NAME_LINE.fullmatch(text, begin, end)
        if line is not None and UNESCAPED.search(line[2]):
            return text[:begin] + line[1] + UNESCAPED.sub(r'\\"', line[2]) + line[3] + text[end:]
        begin = end + 1
    return None


def _ends_in_name(text: str, start: int, end: int) -> bool:
    """Whether a value ends on the line of its first name, as one does whose name begins with ``"}``."""
    name = text.find(NAME, start, end)
    line = text.find("\n", name, end + LINE) if name >= 0 else -1
    return end < line


def _decode_repaired(text: str, start: int, last: int) -> tuple[object, int] | None:
    """The value at ``start`` and the position after it as written; decoding went wrong at ``last`` or before."""
    for width in WINDOWS:
        window, position, added = text[start : start + width], last - start, 0
        for _ in range(MAX_LINES):
            escaped = escape_first_name(window, position)
            if escaped is None:
                break
            added += len(escaped) - len(window)
            window = escaped
            try:
                value, end = DECODER.raw_decode(window)
            except json.JSONDecodeError as error:
                position = error.pos
            else:
                return value, start + end - added
    return None
