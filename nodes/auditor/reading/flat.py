"""Parses a JSON list of lists of numbers straight to doubles, without one Python object a number.

simdjson parses such a text several times as fast as a parser that makes objects, and numpy sums it. Both are optional:
without them, or for a text that is not plainly of that form, ``None`` is returned and the caller parses it as usual.
The doubles and their exact sums are the same either way: both parsers round correctly, and the sums are computed in
integers, as ``math.fsum`` would round them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from bankable.tools.statistics.order import DOUBLE

WORTH = 1 << 13
"""Bytes of a text from which the libraries are worth loading and calling."""
_HIGH, _LOW = 38, 40
"""Bits after the binary point of the two integers that a double is split into."""
SMALLEST, LARGEST = 2.0**-26, 2.0**10
"""Doubles in this range, and 0, are exactly the sum of two such integers: seconds from 15 ns to 17 minutes."""
MOST = 1 << 14
"""Numbers of one list whose integers add up within 64 bits."""


@dataclass(frozen=True)
class FlatLists:
    """Lists of numbers, one after the other."""

    doubles: bytes | memoryview
    """All numbers as native doubles."""
    counts: Sequence[int]
    """Numbers in each list."""
    sums: Sequence[float]
    """Exact sum of each list, rounded once."""


def load_flat(text: bytes) -> FlatLists | None:
    """Parse a list of lists of numbers that are 0 or in range; ``None`` for anything else, or without the libraries."""
    libraries = _load_libraries() if len(text) >= WORTH else None
    if libraries is None:
        return None
    parser, numpy = libraries
    try:
        lists = parser.parse(text)
        counts = [len(numbers) for numbers in lists]
        doubles = memoryview(lists.as_buffer(of_type="d")).cast("B")
    except (ValueError, TypeError, RuntimeError, AttributeError):
        return None
    finally:
        lists = None  # the parser is used again, and must not have anything that refers to it
    # As many brackets as lists, and as many numbers as in them: no entry is a number or has lists of its own.
    if not counts or text.count(b"[") != len(counts) + 1 or sum(counts) * DOUBLE != len(doubles):
        return None
    sums = _sum_exactly(numpy, numpy.frombuffer(doubles), counts)
    return FlatLists(doubles, counts, sums) if sums is not None else None


@lru_cache(maxsize=1)
def _load_libraries() -> tuple[Any, Any] | None:
    """A parser of simdjson and numpy, where both are installed."""
    if find_spec("simdjson") is None or find_spec("numpy") is None:
        return None
    return import_module("simdjson").Parser(), import_module("numpy")


def prepare() -> None:
    """Load the libraries before copies of this process are made, which then share them."""
    _load_libraries()


def _sum_exactly(numpy: Any, values: Any, counts: Sequence[int]) -> list[float] | None:
    """The sums of consecutive runs of values, as ``math.fsum`` rounds them; ``None`` for values out of range."""
    starts, position = [], 0
    for count in counts:
        if count:
            starts.append(position)
        position += count
    if not starts:
        return [0.0] * len(counts)
    smallest = values.min()
    if smallest == 0.0:
        smallest = values.min(where=values != 0.0, initial=SMALLEST)
    if smallest < SMALLEST or values.max() >= LARGEST or max(counts) > MOST:
        return None
    scaled = values * 2.0**_HIGH
    high = numpy.floor(scaled)
    scaled -= high
    scaled *= 2.0**_LOW
    highs = numpy.add.reduceat(high.astype(numpy.int64), starts).tolist()
    lows = numpy.add.reduceat(scaled.astype(numpy.int64), starts).tolist()
    # A quotient of two integers is rounded once, to the nearest double.
    sums = iter([((a << _LOW) + b) / (1 << (_HIGH + _LOW)) for a, b in zip(highs, lows, strict=True)])
    return [next(sums) if count else 0.0 for count in counts]
