"""Holm's step-down: keeps the error rate over several confirmations in one run at 5 %.

Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scand. J. Statist. 6 (1979).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bankable.tools.statistics.pocock import OVERALL
from bankable.tools.statistics.student import t_sf


@dataclass(frozen=True)
class Holm:
    """Outcome per confirmation, in the order given."""

    rejected: tuple[bool, ...]
    """True where the null "no gain" is rejected, which means that the win stands."""
    adjusted: tuple[float, ...]
    """Adjusted p: the smallest family-wise level at which the win would stand."""


def holm(p_values: Sequence[float], alpha: float = 0.05) -> Holm:
    """Adjust the p values of the confirmations of one run. Raises ValueError on a p outside [0, 1]."""
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise ValueError("p values lie between 0 and 1")
    adjusted = [1.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return Holm(tuple(p <= alpha for p in adjusted), tuple(adjusted))


def confirmation_p(mean: float, sd: float, blocks: int, alpha: float, floor: float) -> float:
    """Return the level at which a comparison's lower bound meets the floor, on the scale of all its looks together.

    ``mean`` and ``sd`` of the block differences are log ratios, ``alpha`` is the level of one look. A comparison is a
    win at 5 % exactly when this is at most 5 %. Raises ValueError for fewer than two blocks or α outside (0, 0.5].
    """
    if blocks < 2 or not 0.0 < alpha <= 0.5 or not sd >= 0.0:
        raise ValueError(f"no p of {blocks} blocks at level {alpha} with a standard deviation of {sd}")
    excess = mean - math.log1p(floor)
    if sd == 0.0:
        return 0.0 if excess > 0 else 1.0
    return min(1.0, t_sf(excess * math.sqrt(blocks) / sd, blocks - 1) * max(1.0, OVERALL / alpha))
