"""Exact order statistics of many numbers without sorting them all.

A round of a large benchmark has millions of gaps between tokens. Their median and 99th percentile need four places of
the sorted list, and sorting costs several times what parsing did. Doubles that are not negative sort like their bytes,
most significant first, and bytes can be compared a million at a time. A sample says between which values a place lies;
the values whose leading bytes lie between are taken out and sorted, the others are only counted. The count says whether
the sample was right: if not, everything is sorted. So the result is the value that sorting would have put there.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Iterable, Sequence

FEW = 8192
"""Up to here sorting is as fast."""
MARGIN = 4.0
"""Standard deviations of a sampled quantile between the wanted place and either end of what is taken out."""
MANY = 0.125
"""Share of the values above which they are sorted rather than taken out one by one: there are many equal ones."""
PLANES = 2
"""Leading bytes that are compared, without those that all values share."""
DOUBLE = 8
"""Bytes."""
_FROM = [bytes(it >= value for it in range(256)) for value in range(257)]
_EQUAL = [bytes(it == value for it in range(256)) for value in range(256)]


def packed(values: Sequence[float]) -> bytes:
    """Numbers as doubles of this machine. Raises ``struct.error`` or ``OverflowError`` for what is no number."""
    return struct.pack(f"{len(values)}d", *values)


def nonnegative(doubles: bytes) -> bool:
    """Whether none of the packed doubles has a sign."""
    return _plane(doubles, 0).isascii()


def order_statistics(doubles: bytes, ranks: Iterable[int]) -> dict[int, float]:
    """``sorted(values)[rank]`` for every rank in ``range(len(values))``. Values are packed and finite."""
    wanted = sorted(set(ranks))
    found = _taken_out(doubles, wanted) if len(doubles) > FEW * DOUBLE and nonnegative(doubles) else None
    if found is None:
        ordered = sorted(memoryview(doubles).cast("d").tolist())
        found = {rank: ordered[rank] for rank in wanted}
    return found


def _taken_out(doubles: bytes, ranks: Sequence[int]) -> dict[int, float] | None:
    """The wanted places, or ``None`` where the sample did not help."""
    values = memoryview(doubles).cast("d")
    count = len(values)
    sample = sorted(values[:: max(1, int(count ** (1 / 3) / 2)) | 1].tolist())
    places, planes = _telling(doubles, count)
    found: dict[int, float] = {}
    for rank in ranks:
        if rank in found:
            continue
        low, high = _around(sample, rank / count)
        least = _reach(planes, [low[place] for place in places], beyond=False)
        above = _reach(planes, [high[place] for place in places], beyond=True) if high else 0
        below, inside = count - least.bit_count(), least ^ above
        size = inside.bit_count()
        if not below <= rank < below + size or size > MANY * count:
            return None
        ordered = sorted([values[index] for index in _marked(inside.to_bytes(count, "little"))])
        found.update((it, ordered[it - below]) for it in ranks if 0 <= it - below < size)
    return found


def _telling(doubles: bytes, count: int) -> tuple[list[int], list[bytes]]:
    """The leading bytes that tell values apart: which, and of all values."""
    places: list[int] = []
    planes: list[bytes] = []
    for place in range(DOUBLE):
        plane = _plane(doubles, place)
        if plane != plane[:1] * count:
            places.append(place)
            planes.append(plane)
        if len(planes) == PLANES:
            break
    return places, planes


def _plane(doubles: bytes, place: int) -> bytes:
    """One byte of every double; place 0 is the most significant."""
    return doubles[DOUBLE - 1 - place :: DOUBLE] if sys.byteorder == "little" else doubles[place::DOUBLE]


def _around(sample: Sequence[float], share: float) -> tuple[bytes, bytes]:
    """Values between which the quantile ``share`` almost surely lies, most significant byte first; no bytes: no end."""
    size = len(sample)
    place, margin = share * size, MARGIN * math.sqrt(size * share * (1 - share)) + 2
    low, high = max(0, math.floor(place - margin)), min(size - 1, math.ceil(place + margin))
    lowest = struct.pack(">d", sample[low] if low else 0.0)
    few_above = size - 1 - high < high - low  # taking them out too costs less than telling them apart
    return lowest, b"" if few_above else struct.pack(">d", sample[high])


def _reach(planes: Sequence[bytes], bound: Sequence[int], *, beyond: bool) -> int:
    """One byte per value, in one number: 1 where its leading bytes are at least the bound's, or beyond them."""
    reached: int | None = None
    for plane, byte in zip(reversed(planes), reversed(bound), strict=True):
        more = int.from_bytes(plane.translate(_FROM[byte + 1]), "little")
        if reached is None:
            reached = more if beyond else int.from_bytes(plane.translate(_FROM[byte]), "little")
        else:
            reached = more | (int.from_bytes(plane.translate(_EQUAL[byte]), "little") & reached)
    return reached or 0


def _marked(flags: bytes) -> Iterable[int]:
    """Where the ones are. They are few: each is found by a jump."""
    place = flags.find(1)
    while place >= 0:
        yield place
        place = flags.find(1, place + 1)
