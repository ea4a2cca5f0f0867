"""The inter-token latencies of a round, summed and packed to doubles while they are parsed."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Sequence
from typing import Any

from bankable.tools.statistics.order import DOUBLE, Doubles, pack


class Gaps:
    """One list of inter-token latencies per request, in the order of the requests, in seconds."""

    def __init__(self) -> None:
        self.counts = array("q")
        """Number of latencies per request."""
        self.sums = array("d")
        """Exact sum per request, seconds."""
        self.packed = bytearray()
        """All latencies as native doubles, seconds."""

    def __len__(self) -> int:
        """Number of requests."""
        return len(self.counts)

    def add(self, entries: Sequence[Any]) -> None:
        """Add the latencies of more requests. Raises ``ValueError`` when an entry is not a list of numbers."""
        if not set(map(type, entries)) <= {list}:
            raise ValueError("not a list of lists")
        try:
            self.sums.extend(map(math.fsum, entries))
            self.packed += b"".join(map(pack, entries))
        except (TypeError, OverflowError, struct.error):
            raise ValueError("not a number, or out of range") from None
        self.counts.extend(map(len, entries))

    def of_completed(self, errors: Sequence[str]) -> Doubles:
        """All latencies of the requests without an error, as native doubles."""
        if not any(errors):
            return self.packed
        completed, offset, everything = bytearray(), 0, memoryview(self.packed)
        for count, error in zip(self.counts, errors, strict=True):
            if not error:
                completed += everything[offset : offset + count * DOUBLE]
            offset += count * DOUBLE
        return completed
