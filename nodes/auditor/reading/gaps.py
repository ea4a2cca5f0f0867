"""The gaps between tokens of a round, added up and packed as they come."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Sequence
from typing import Any

from bankable.tools.statistics.order import DOUBLE, Doubles, packed


class Gaps:
    """One list of gaps per request, in the order of the requests. Seconds."""

    def __init__(self) -> None:
        self.counts = array("q")
        """Gaps per request."""
        self.sums = array("d")
        """Exact sum per request."""
        self.packed = bytearray()
        """All gaps, as doubles."""

    def __len__(self) -> int:
        """Requests."""
        return len(self.counts)

    def add(self, entries: Sequence[Any]) -> None:
        """Take the gaps of some more requests. Raises ``ValueError`` when they are no lists of numbers."""
        if not set(map(type, entries)) <= {list}:
            raise ValueError("not a list of lists")
        try:
            self.sums.extend(map(math.fsum, entries))
            self.packed += b"".join(map(packed, entries))
        except (TypeError, OverflowError, struct.error):
            raise ValueError("not a number, or beyond all measure") from None
        self.counts.extend(map(len, entries))

    def of_completed(self, errors: Sequence[str]) -> Doubles:
        """All gaps of the requests without an error, as doubles."""
        if not any(errors):
            return self.packed
        kept, place, every = bytearray(), 0, memoryview(self.packed)
        for count, error in zip(self.counts, errors, strict=True):
            if not error:
                kept += every[place : place + count * DOUBLE]
            place += count * DOUBLE
        return kept
