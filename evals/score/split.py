"""Splits the fixtures into development and held-out: rules and prompts are tuned on the first, rated on the second.

The split is by failure mode: a fixture lies on the side of the first mode of its key, and a mode's side follows from a
hash of its id, so that a new fixture of a known mode never changes sides. Knowledge about a mode from development
cannot help on the other side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bankable.evals.fixtures.keys import Key
from bankable.evals.score.rate import Rate
from bankable.evals.score.scored import FixtureScore
from bankable.tools.evidence.canonical import digest

Side = Literal["development", "held-out"]
SALT = b"bankable fixtures, first split: "
HELD_OUT = 0x100 * 35 // 100
"""Of 256: about a third of the modes is held out."""
ALPHA = 0.05


def side_of(mode: str) -> Side:
    """The permanent side of a mode."""
    return "held-out" if int(digest(SALT + mode.encode())[:2], 16) < HELD_OUT else "development"


def side(key: Key) -> Side:
    """The side of a fixture."""
    return side_of(key.modes[0]) if key.modes else "development"


@dataclass(frozen=True)
class Split:
    """Both sides."""

    development: Rate
    """Fixtures that agree with their key, of those of development."""
    held_out: Rate
    p: float
    """Two-sided p of Fisher's exact test for equal shares."""

    @property
    def warning(self) -> str:
        """A sentence when the sides differ by more than chance; else empty."""
        if self.p >= ALPHA or self.development.share is None or self.held_out.share is None:
            return ""
        worse = "held-out" if self.held_out.share < self.development.share else "development"
        return (
            f"development and held-out differ (Fisher's exact test, p = {self.p:.3g}): {worse} is worse; "
            "what was tuned on one side does not carry over"
        )


def split(fixtures: Sequence[FixtureScore]) -> Split:
    """Compare the sides."""
    from scipy.stats import fisher_exact  # noqa: PLC0415 - takes two seconds to import, and most commands do not split

    rates = {
        name: Rate.count(fixture.right for fixture in fixtures if side(fixture.key) == name)
        for name in ("development", "held-out")
    }
    table = np.array([[rate.hits, rate.of - rate.hits] for rate in rates.values()])
    p = float(fisher_exact(table).pvalue) if all(rate.of for rate in rates.values()) else 1.0
    return Split(rates["development"], rates["held-out"], p)
