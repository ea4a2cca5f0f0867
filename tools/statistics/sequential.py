"""Declared looks: a comparison may stop early, but only at block counts that were declared before it began.

Each look tests at the same one-sided level, chosen so that all looks together keep 5 % (``pocock``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bankable.tools.statistics.paired import Decision, decide

LOOKS = (5, 7, 10)
LOOK_ALPHA = 0.024
"""One-sided level of each of the looks 5, 7 and 10: 5 % over all of them."""


class PeekError(ValueError):
    """A verdict was requested at a block count that was not declared: a peek."""


@dataclass(frozen=True)
class LookResult:
    """The decision of a look, and whether the comparison is over."""

    stop: bool
    decision: Decision
    final: bool
    """The last declared look: undecided stays undecided."""


def check_looks(looks: Sequence[int]) -> None:
    """Raise ValueError unless the looks are positive and strictly ascending, at least one."""
    if not looks or looks[0] < 1 or any(later <= earlier for earlier, later in pairwise(looks)):
        raise ValueError(f"looks must be positive and ascending, not {list(looks)}")


def next_look(n: int, looks: Sequence[int]) -> int | None:
    """Return the first declared block count above ``n``, ``None`` past the last."""
    return next((look for look in looks if look > n), None)


def look(
    differences: Sequence[float], looks: Sequence[int] = LOOKS, alpha: float = LOOK_ALPHA, floor: float = 0.01
) -> LookResult:
    """Judge at a declared look. Raises ``PeekError`` at any other block count, past the last look too."""
    check_looks(looks)
    if len(differences) not in looks:
        raise PeekError(f"{len(differences)} blocks is no declared look of {list(looks)}")
    return settle(decide(differences, alpha, floor, looks), looks)


def settle(decision: Decision, looks: Sequence[int]) -> LookResult:
    """Whether a decision at a declared look ends the comparison. Raises ``PeekError`` at any other block count."""
    if decision.n not in looks:
        raise PeekError(f"{decision.n} blocks is no declared look of {list(looks)}")
    final = decision.n == looks[-1]
    return LookResult(final or decision.verdict != "undecided", decision, final)
