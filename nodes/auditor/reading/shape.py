"""What a JSON text looks like, beyond what parsing tells: depth, keys given twice, containers without end.

A parser keeps the last of two equal keys and says nothing. To see the first, every key of the text would have to be
looked at again, which costs more than parsing. So keys are counted: those that were kept exactly, those of the text
from above, by what stands before their colons. Equal counts mean that no key was lost; else a slow parse tells.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

SHORT = 1 << 12
MAX_COLONS = 1_000_000
"""Beyond this, parsing again is faster than looking at each."""
MAX_CONTAINERS = 2_000_000
"""Lists and objects in one text: an empty one takes 30 times its two bytes in memory."""
LARGE = 1 << 20
"""Bytes below which no text can hold too many containers to matter."""
_QUOTE, _BACKSLASH, _SPACE = ord('"'), ord("\\"), b" \t\n\r"


def plain(text: bytes, found: dict[str, Any], limit: int) -> bool:
    """Whether a short text shows at a glance that its object lost no key and is nowhere deeper than ``limit``.

    Every key has a colon, and every level a bracket.
    """
    return len(text) <= SHORT and text.count(b":") == len(found) and text.count(b"{") + text.count(b"[") <= limit


def keys_kept(value: Any, limit: int, elsewhere: frozenset[str]) -> int | None:
    """Number of keys of a parsed value; ``None`` when it nests deeper than ``limit``.

    Values of the outermost keys in ``elsewhere`` are passed over: their reader checks them for plain numbers or text.
    """
    here = {key: entry for key, entry in value.items() if key not in elsewhere} if elsewhere else value
    level: list[Any] = [here]
    keys = len(value) - len(here)
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


def lost_a_key(text: bytes, kept: int) -> bool:
    """Whether an object of a JSON text may give a key twice, when parsing kept ``kept`` keys in all."""
    if len(text) <= SHORT and text.count(b":") == kept:  # each key has a colon of its own
        return False
    return keys_written_at_most(text) != kept


def keys_written_at_most(text: bytes) -> int:
    """An upper bound of the keys in a JSON text; of more than ``MAX_COLONS`` colons no other than all.

    The colon of a key follows the closing quote of a string, or white space after it. Colons are rare where the bytes
    are, in numbers, so that each is found by a jump.
    """
    keys = colons = 0
    place = text.find(b":")
    while place >= 0:
        colons += 1
        if colons > MAX_COLONS:
            return len(text)
        before = text[place - 1]
        keys += before in _SPACE or (before == _QUOTE and not _escaped(text, place - 1))
        place = text.find(b":", place + 1)
    return keys


def _escaped(text: bytes, quote: int) -> bool:
    """Whether an odd number of backslashes stands before a quote."""
    place = quote
    while place > 0 and text[place - 1] == _BACKSLASH:
        place -= 1
    return (quote - place) % 2 == 1


def repeated_keys(text: bytes) -> list[str]:
    """Keys that one object of a valid JSON text gives more than once. Raises ``RecursionError`` on deep nesting."""
    repeated: list[str] = []

    def notice(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            repeated.extend(sorted(key for key, count in counts.items() if count > 1))

    def nothing(_: str) -> None:
        """Numbers are dropped unread: one of five thousand digits would be an error here."""

    json.JSONDecoder(object_pairs_hook=notice, parse_int=nothing, parse_float=nothing, parse_constant=nothing).decode(
        text.decode()
    )
    return repeated


def too_many_containers(text: bytes) -> bool:
    """More lists and objects than any record has. Looked for only where there is room for them."""
    return len(text) >= LARGE and containers(text) > MAX_CONTAINERS


def containers(text: bytes) -> int:
    """Lists and objects in a text, and what looks like one in its strings; more than ``MAX_CONTAINERS`` are many."""
    return sum(_occurrences(text, mark) for mark in (b"[", b"{"))


def _occurrences(text: bytes, mark: bytes) -> int:
    """Counted by jumps, which beats a scan as long as they are rare; stops when there are too many."""
    count, place = 0, text.find(mark)
    while place >= 0 and count <= MAX_CONTAINERS:
        count, place = count + 1, text.find(mark, place + 1)
    return count
