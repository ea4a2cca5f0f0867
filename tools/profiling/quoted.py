"""Decodes trace events whose names contain unescaped quotes.

torch 2.13 writes the name of a span as it is: libkineto replaces line ends and backslashes in it, and quotes only from
torch 2.15 on. A name such as ``step["a"]`` therefore makes the file invalid JSON. The writer puts each name on a line
of its own, so the last quote of that line is the end of the name.
"""

from __future__ import annotations

import json
import re

WINDOWS = (64 * 2**10, 8 * 2**20)
"""Characters of text in which an event is repaired: the first is enough for nearly all and cheap to copy."""
MAX_LINES = 8
"""Largest number of lines of one event that are repaired."""
NAME_LINE = re.compile(r'(\s*"name": ")(.*)("\s*,?\s*)')
UNESCAPED = re.compile(r'(?<!\\)"')
DECODER = json.JSONDecoder(strict=False)
"""Takes control characters in strings: the profiler writes a tab in a name as it is."""


def decode_event(text: str, start: int) -> tuple[object, int]:
    """The JSON value that begins at ``start``, and the position after it.

    Raises ``json.JSONDecodeError`` when the text holds no whole value there, even with the quotes of its names escaped.
    """
    try:
        return DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        for width in WINDOWS:
            mended = _decode_mended(text[start : start + width], error.pos - start)
            if mended is not None:
                value, length = mended
                return value, start + length
        raise


def escape_name(text: str, position: int) -> str | None:
    """``text`` with the quotes escaped in the name on the line of ``position``.

    None when that line is not yet complete, holds something else than one name, or has no such quote.
    """
    begin, end = text.rfind("\n", 0, position) + 1, text.find("\n", position)
    line = NAME_LINE.fullmatch(text[begin:end]) if end >= 0 else None
    if line is None or not UNESCAPED.search(line[2]):
        return None
    return text[:begin] + line[1] + UNESCAPED.sub(r'\\"', line[2]) + line[3] + text[end:]


def _decode_mended(text: str, position: int) -> tuple[object, int] | None:
    """The value at the start of ``text`` and its length as written; ``position``: where decoding failed."""
    added = 0
    for _ in range(MAX_LINES):
        escaped = escape_name(text, position) if position < len(text) else None
        if escaped is None:
            return None
        added += len(escaped) - len(text)
        text = escaped
        try:
            value, end = DECODER.raw_decode(text)
        except json.JSONDecodeError as error:
            position = error.pos
        else:
            return value, end - added
    return None
