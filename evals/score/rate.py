"""A share of fixtures, or of all verdicts on them, with its interval.

Wilson's score interval (Wilson, JASA 22, 1927): unlike the textbook one it does not shrink to a point at 0 of n.
Verdicts on one fixture resemble each other, so that a share of verdicts is given the interval of as many independent
ones as have its variance between fixtures (the effective sample size of Korn and Graubard, Survey Methodology 24, 1998,
in Wilson's interval, as in Dean and Pagano, Journal of Survey Statistics and Methodology 3, 2015).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True)
class Rate:
    """``hits`` of ``of`` fixtures."""

    hits: int
    of: int

    @classmethod
    def count(cls, marks: Iterable[bool]) -> Rate:
        """One mark per fixture."""
        marked = list(marks)
        return cls(sum(marked), len(marked))

    @property
    def share(self) -> float | None:
        """As a fraction; ``None`` when there are none."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Two-sided 95 % interval, as fractions."""
        if not self.of:
            return None
        return wilson(self.hits / self.of, self.of)

    def __str__(self) -> str:
        if self.share is None or self.interval is None:
            return "none"
        low, high = self.interval
        return f"{self.hits} of {self.of} = {self.share:.1%} (95 % interval {low:.1%} to {high:.1%})"


@dataclass(frozen=True)
class Clustered:
    """A share of verdicts, where those on one fixture are one cluster."""

    hits: int
    of: int
    """Verdicts."""
    fixtures: int
    effective: float
    """Effective number of independent verdicts: between ``fixtures`` and ``of``."""

    @classmethod
    def count(cls, marks: Iterable[Iterable[bool]]) -> Clustered:
        """For each fixture one mark per verdict."""
        clusters = [list(mark) for mark in marks]
        hits, of, fixtures = sum(map(sum, clusters)), sum(map(len, clusters)), len(clusters)
        effective = float(fixtures)
        if 0 < hits < of and fixtures > 1:
            share = hits / of
            between = (
                sum((sum(cluster) - share * len(cluster)) ** 2 for cluster in clusters)
                * fixtures
                / (fixtures - 1)
                / of**2
            )
            effective = min(float(of), max(float(fixtures), share * (1 - share) / between)) if between else float(of)
        return cls(hits, of, fixtures, effective)

    @property
    def share(self) -> float | None:
        """As a fraction; ``None`` when there are none."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Two-sided 95 % interval, as fractions."""
        return None if self.share is None else wilson(self.share, self.effective)

    def __str__(self) -> str:
        if self.share is None or self.interval is None:
            return "none"
        low, high = self.interval
        return (
            f"{self.hits} of {self.of} verdicts = {self.share:.1%} "
            f"(95 % interval {low:.1%} to {high:.1%}, {self.fixtures} clusters)"
        )


def wilson(share: float, n: float) -> tuple[float, float]:
    """Two-sided 95 % interval of a share that was seen in ``n`` independent draws, whole or not."""
    z = NormalDist().inv_cdf(0.975)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
