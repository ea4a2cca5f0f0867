"""Holm's step-down: several confirmations in one run, and still 5 % that any of them is false.

Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scand. J. Statist. 6 (1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
