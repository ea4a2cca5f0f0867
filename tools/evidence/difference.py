"""Finds the first difference between two JSON values, for messages."""

from __future__ import annotations

from typing import Any

DEEPEST = 32
LONGEST = 80
_ABSENT = object()


def first_difference(before: Any, after: Any, names: tuple[str, str]) -> str | None:
    """``findings.0.severity: stored 'FAIL', derived 'PASS'``; ``None`` when both are equal.

    ``names`` are the words for the two values. Objects are compared in key order, so the answer does not depend on how
    they were written. Below ``DEEPEST`` levels only the place is said.
    """
    place: list[str] = []
    while _differ(before, after) and len(place) < DEEPEST:
        if isinstance(before, dict) and isinstance(after, dict):
            key = next(
                name
                for name in sorted({*before, *after})
                if _differ(before.get(name, _ABSENT), after.get(name, _ABSENT))
            )
            before, after = before.get(key, _ABSENT), after.get(key, _ABSENT)
            place.append(key)
        elif isinstance(before, list) and isinstance(after, list):
            index = next(i for i in range(len(before) + 1) if _differ(_item(before, i), _item(after, i)))
            before, after = _item(before, index), _item(after, index)
            place.append(str(index))
        else:
            break
    if not _differ(before, after):
        return None
    where = ".".join(place) or "the whole"
    return f"{where}: {names[0]} {shorten(before)}, {names[1]} {shorten(after)}"


def _differ(before: Any, after: Any) -> bool:
    return type(before) is not type(after) or before != after


def _item(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else _ABSENT


def shorten(value: Any) -> str:
    """An untrusted value in a few printable characters."""
    if value is _ABSENT:
        return "nothing"
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    text = ascii(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
