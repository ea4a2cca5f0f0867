"""Meaning of a difference between two legs in one field of ``server_info``."""

from __future__ import annotations

import tomllib
from functools import cache, lru_cache
from importlib import resources
from typing import Literal

from bankable.tools.levers.registry import ALL_KNOBS, knob

FieldClass = Literal["identity", "derived", "volatile", "lever", "unknown"]
_TABLED: tuple[FieldClass, ...] = ("identity", "volatile", "derived")


@lru_cache(maxsize=4096)
def classify_field(name: str) -> FieldClass:
    """Class of a server-information field.

    ``identity`` must never differ between the legs. ``derived`` may differ when a declared knob lists it in its
    ``derived``. ``volatile`` differs freely. ``lever`` is a server argument: it may differ only when it is declared.
    ``unknown`` is a name that sglang 0.5.23 does not have.
    """
    table = _table()
    for field_class in _TABLED:
        if name in table[field_class]:
            return field_class
    if knob(name) is not None or name in server_arguments():
        return "lever"
    return "unknown"


def find_explained(name: str) -> list[str]:
    """Names of the knobs that may move this field as a consequence, sorted."""
    return sorted(k.name for k in ALL_KNOBS if name in k.derived)


@cache
def server_arguments() -> frozenset[str]:
    """Every field of ``ServerArgs`` in sglang 0.5.23."""
    text = resources.files("bankable.tools.levers").joinpath("server_args.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split() if not line.startswith("#") and line.isidentifier())


@cache
def _table() -> dict[FieldClass, frozenset[str]]:
    text = resources.files("bankable.tools.levers").joinpath("fields.toml").read_text(encoding="utf-8")
    lists = tomllib.loads(text)
    return {field_class: frozenset(lists[field_class]) for field_class in _TABLED}
