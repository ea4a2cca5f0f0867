"""Checks of a JSON text that a parser does not make: nesting depth, repeated keys, number of lists and objects.

A parser silently keeps the last of two equal keys. Finding the first would mean a second pass over every key, which
costs more than parsing. So keys are counted: exactly in the parsed value, and an upper bound in the text, from the
bytes before each colon. Equal counts mean that no key was repeated; otherwise a slower parser finds out.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

SHORT = 1 << 12
"""Bytes up to which a text is checked by counting colons and brackets."""
MAX_COLONS = 1_000_000
"""Beyond this, parsing again is faster than checking each colon."""
MAX_CONTAINERS = 2_000_000
"""Lists and objects in one text: an empty one takes 30 times its two bytes in memory."""
LARGE = 1 << 20
"""Bytes below which the number of lists and objects is not checked."""
_QUOTE, _BACKSLASH, _SPACE = ord('"'), ord("\\"), b" \t\n\r"


def is_plain(text: bytes, value: dict[str, Any], limit: int) -> bool:
    """Whether a short text repeats no key and nests at most ``limit`` deep, by its number of colons and brackets.

    False does not mean the opposite.
    """
    return len(text) <= SHORT and text.count(b":") == len(value) and text.count(b"{") + text.count(b"[") <= limit


def count_keys(value: Any, limit: int, unchecked_keys: frozenset[str]) -> int | None:
    """Count the keys of a parsed value; ``None`` when it nests deeper than ``limit``.

    Values of the outermost keys in ``unchecked_keys`` are skipped: their reader checks them for plain numbers or text.
    """
    checked = {key: entry for key, entry in value.items() if key not in unchecked_keys} if unchecked_keys else value
    level: list[Any] = [checked]
    keys = len(value) - len(checked)
    for _ in range(limit):
        below: list[Any] = []
        for container in level:
            if type(container) is dict:
                keys += len(container)
                below += [entry for entry in container.values() if type(entry) is dict or type(entry) is list]
            else:
                below += [entry for entry in container if type(entry) is dict or type(entry) is list]
        if not below:
            return keys
        level = below
    return None


def may_repeat_a_key(text: bytes, keys: int) -> bool:
    """Whether an object of a JSON text may give a key twice; ``keys`` is the number of keys in the parsed value."""
    if len(text) <= SHORT and text.count(b":") == keys:  # each key has a colon of its own
        return False
    return count_keys_at_most(text) != keys


def count_keys_at_most(text: bytes) -> int:
    """An upper bound of the number of keys in a JSON text; beyond ``MAX_COLONS`` colons the text's length.

    The colon of a key follows the closing quote of a string, or white space after it. Most bytes are numbers, which
    hold no colon, so ``find`` skips them quickly.
    """
    keys = colons = 0
    position = text.find(b":")
    while position >= 0:
        colons += 1
        if colons > MAX_COLONS:
            return len(text)
        before = text[position - 1]
        keys += before in _SPACE or (before == _QUOTE and not _is_escaped(text, position - 1))
        position = text.find(b":", position + 1)
    return keys


def _is_escaped(text: bytes, quote: int) -> bool:
    """Whether an odd number of backslashes stands before a quote."""
    position = quote
    while position > 0 and text[position - 1] == _BACKSLASH:
        position -= 1
    return (quote - position) % 2 == 1


def find_repeated_keys(text: bytes) -> list[str]:
    """Keys that one object of a valid JSON text gives more than once. Raises ``RecursionError`` on deep nesting."""
    repeated: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            repeated.extend(sorted(key for key, count in counts.items() if count > 1))

    def skip(_: str) -> None:
        """Skip numbers: one of five thousand digits would raise ``ValueError``."""

    json.JSONDecoder(object_pairs_hook=collect, parse_int=skip, parse_float=skip, parse_constant=skip).decode(
        text.decode()
    )
    return repeated


def has_too_many_containers(text: bytes) -> bool:
    """Whether a large text has more lists and objects than any record."""
    return len(text) >= LARGE and count_containers(text) > MAX_CONTAINERS


def count_containers(text: bytes) -> int:
    """Count opening brackets, those in strings too. Counting stops soon after ``MAX_CONTAINERS``."""
    return sum(_count_occurrences(text, mark) for mark in (b"[", b"{"))


def _count_occurrences(text: bytes, mark: bytes) -> int:
    """Count with ``find``, which is fast while ``mark`` is rare; stops at ``MAX_CONTAINERS``."""
    count, position = 0, text.find(mark)
    while position >= 0 and count <= MAX_CONTAINERS:
        count, position = count + 1, text.find(mark, position + 1)
    return count
