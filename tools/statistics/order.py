"""Exact order statistics of many numbers.

A round of a large benchmark has millions of gaps between tokens, of which four places of the sorted list are wanted.
Partitioning finds them in a fraction of the time that sorting takes. numpy does it, and is loaded only for rounds that
large: a small audit starts at once and needs no numpy. Either way the result is the value that sorting puts there.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec

FEW = 8192
"""Up to here sorting takes less time than loading numpy."""
DOUBLE = 8
"""Bytes."""
Doubles = bytes | bytearray


def pack(values: Sequence[float]) -> bytes:
    """Numbers as doubles of this machine. Raises ``struct.error`` or ``OverflowError`` for what is no number."""
    return _packer(len(values))(*values)


@lru_cache(maxsize=4096)
def _packer(count: int) -> Callable[..., bytes]:
    """Kept, because a round has thousands of short lists."""
    return struct.Struct(f"{count}d").pack


def nonnegative(doubles: Doubles) -> bool:
    """Whether none of the packed doubles has a sign."""
    most_significant = DOUBLE - 1 if sys.byteorder == "little" else 0
    return doubles[most_significant::DOUBLE].isascii()


def prepare() -> None:
    """Load numpy, if there is one: before copies of this process are made, which then share it."""
    if find_spec("numpy") is not None:
        import_module("numpy")


def order_statistics(doubles: Doubles, ranks: Iterable[int], *, reorder: bool = False) -> dict[int, float]:
    """``sorted(values)[rank]`` for every rank in ``range(len(values))``. Values are packed and finite.

    ``reorder``: they may be put in another order, which saves a copy of them.
    """
    wanted = sorted(set(ranks))
    if len(doubles) > FEW * DOUBLE and find_spec("numpy") is not None:
        return _partition(doubles, wanted, reorder)
    ordered = sorted(memoryview(doubles).cast("d").tolist())
    return {rank: ordered[rank] for rank in wanted}


def _partition(doubles: Doubles, ranks: Sequence[int], reorder: bool) -> dict[int, float]:
    import numpy as np  # noqa: PLC0415  # a tenth of a second that only large rounds are worth

    values = np.frombuffer(doubles)
    rest = values if reorder and values.flags.writeable else np.array(values)
    by_rank, passed = dict[int, float](), 0
    for rank in ranks:  # one at a time, each above the last: numpy takes six times as long for several at once
        rest.partition(rank - passed)
        rest, passed = rest[rank - passed :], rank
        by_rank[rank] = float(rest[0])
    return by_rank
