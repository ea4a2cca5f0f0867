"""A share of fixtures with its interval.

Wilson's score interval (Wilson, JASA 22, 1927): unlike the textbook one it does not shrink to a point at 0 of n.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scipy.stats import binomtest


@dataclass(frozen=True)
class Rate:
    """``hits`` of ``of`` fixtures."""

    hits: int
    of: int

    @classmethod
    def count(cls, marks: Iterable[bool]) -> Rate:
        """One mark per fixture."""
        found = list(marks)
        return cls(sum(found), len(found))

    @property
    def share(self) -> float | None:
        """As a fraction; ``None`` of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Two-sided 95 % interval, as fractions."""
        if not self.of:
            return None
        found = binomtest(self.hits, self.of).proportion_ci(confidence_level=0.95, method="wilson")
        return max(0.0, float(found.low)), min(1.0, float(found.high))

    def __str__(self) -> str:
        if self.share is None or self.interval is None:
            return "none"
        low, high = self.interval
        return f"{self.hits} of {self.of} = {self.share:.1%} (95 % interval {low:.1%} to {high:.1%})"
