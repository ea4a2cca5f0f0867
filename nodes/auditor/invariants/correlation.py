"""How alike lists of latencies are, apart from the pattern that all of them share.

Rounds of one workload on one configuration run the same steps, so their latencies have a common pattern. It is taken
off, as the median over the rounds of a group at each place; the residuals of honest rounds are noise of the machine and
independent, those of a copy are equal, also after scaling.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from operator import mul
from statistics import median

SHORTEST_S = 1e-6
"""Latencies below this are taken as this: tokens of one chunk arrive together."""
SMALLEST_SPREAD = 1e-4
"""Spread of a log latency below which it counts as constant."""
FEWEST_LISTS = 6
"""Lists from which a common pattern can be told from their own noise."""
FEWEST = 32
"""Latencies below which two lists may be alike by chance."""


MOST_ROUNDS = 128
"""Rounds of which the pattern is taken."""


def residual_profiles(lists: Sequence[Sequence[float]], groups: Sequence[Hashable]) -> list[tuple[float, ...] | None]:
    """For each list its logarithms without its group's pattern, centred and scaled to unit length.

    ``None`` for lists with fewer than ``FEWEST`` latencies, for those of small groups, and where nothing is left.
    """
    profiles: list[tuple[float, ...] | None] = [None] * len(lists)
    members: dict[tuple[Hashable, int], list[int]] = {}
    for index, (values, group) in enumerate(zip(lists, groups, strict=True)):
        members.setdefault((group, len(values)), []).append(index)
    for (_, length), places in members.items():
        if length < FEWEST or len(places) < FEWEST_LISTS:
            continue
        logs = [_levelled(lists[index]) for index in places]
        pattern = [median(column) for column in zip(*logs[:MOST_ROUNDS], strict=True)]
        for index, values in zip(places, logs, strict=True):
            profiles[index] = _normalise([value - common for value, common in zip(values, pattern, strict=True)])
    return profiles


def _levelled(values: Sequence[float]) -> list[float]:
    """Logarithms less their median, so that slower rounds have the same pattern."""
    logs = [math.log(max(value, SHORTEST_S)) for value in values]
    level = median(logs)
    return [value - level for value in logs]


def _normalise(values: Sequence[float]) -> tuple[float, ...] | None:
    mean = math.fsum(values) / len(values)
    centred = [value - mean for value in values]
    length = math.sqrt(math.fsum(value * value for value in centred))
    return tuple(value / length for value in centred) if length > SMALLEST_SPREAD * len(values) else None


def correlate(first: Sequence[float], second: Sequence[float]) -> float:
    """Correlation of two profiles of one length, −1 to 1."""
    return float(sum(map(mul, first, second)))
