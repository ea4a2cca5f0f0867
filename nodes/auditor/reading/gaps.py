"""The inter-token latencies of a round, summed and packed to doubles while they are parsed."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Sequence
from typing import Any

import orjson

from bankable.nodes.auditor.reading.flat import load_flat
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

    def add_text(self, piece: bytes) -> int:
        """Add the latencies of more requests from a JSON list of lists; returns the number of requests.

        Raises ``ValueError`` for a text that is none.
        """
        flat = load_flat(piece)
        if flat is None:
            entries = orjson.loads(piece)
            self.add(entries)
            return len(entries)
        self.packed += flat.doubles
        self.counts.extend(flat.counts)
        self.sums.extend(flat.sums)
        return len(flat.counts)

    def add(self, entries: Sequence[Any]) -> None:
        """Add the latencies of more requests. Raises ``ValueError`` when an entry is not a list of numbers."""
        if not isinstance(entries, list) or not set(map(type, entries)) <= {list}:
            raise ValueError("not a list of lists")
        try:
            sums = list(map(math.fsum, entries))
            packed = b"".join(map(pack, entries))
        except (TypeError, OverflowError, struct.error):
            raise ValueError("not a number, or out of range") from None
        self.sums.extend(sums)
        self.packed += packed
        self.counts.extend(map(len, entries))

    def to_lists(self) -> list[list[float]]:
        """The latencies as they came, one list per request."""
        values, at = array("d", bytes(self.packed)), 0
        lists: list[list[float]] = []
        for count in self.counts:
            lists.append(values[at : at + count].tolist())
            at += count
        return lists

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
