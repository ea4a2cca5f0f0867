"""Simulated nights of launches, and rules that call a night a regression: this project's gate, and others.

The rules of inference-doctor follow its version 0.4.1 as published on PyPI (``compare-runs``; ``quality.py`` and
``stats.py``): the runs of two folders, the log ratio of their mean metrics, its error by the delta method, a 90 %
interval with Welch's degrees of freedom. A regression where the whole interval of the loss lies at or past the
threshold (10 % by default, here that of every rule), none where all of it lies below, else inconclusive; so are fewer
than three runs a side. It knows runs, and no nights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from bankable.tools.statistics.drift import find_drift
from bankable.tools.statistics.nights import decide_nights

Array = npt.NDArray[np.float64]
MARGIN = 0.02
"""Loss of throughput that is allowed, as a fraction; the threshold of every rule."""
WINDOW = 20
"""Nights of the rolling baseline."""
FEWEST_RUNS = 3
"""Runs a side that inference-doctor asks for."""


@dataclass(frozen=True)
class NightMachine:
    """Noise of a machine, standard deviations of log throughput."""

    night_sd: float
    launch_sd: float = 0.01
    walk_sd: float = 0.0
    """Of the step from night to night, which stays."""
    launches: int = 3
    """On each night."""

    @property
    def name(self) -> str:
        """As in the tables."""
        walk = f", steps that stay {self.walk_sd:.1%}" if self.walk_sd else ""
        return f"night sd {self.night_sd:.1%}{walk}"

    def draw(self, rng: np.random.Generator, nights: int) -> Array:
        """Log throughput of each launch, shape (nights, launches)."""
        level = rng.normal(0.0, self.night_sd, nights)
        if self.walk_sd:
            level += np.cumsum(rng.normal(0.0, self.walk_sd, nights))
        noise: Array = level[:, None] + rng.normal(0.0, self.launch_sd, (nights, self.launches))
        return noise


def gate_alarms(nights: Array) -> list[str]:
    """Outcome of this project's gate on each night from the second on; a night that is worse does not enter."""
    outcomes = []
    baseline = [list(map(float, nights[0]))]
    for tonight in nights[1:]:
        levels = list(map(float, tonight))
        decision = decide_nights(baseline[-WINDOW:], [levels], MARGIN, larger_is_better=True)
        drift = find_drift(baseline, MARGIN, larger_is_better=True)
        outcome: str = decision.outcome
        if outcome != "worse":
            baseline.append(levels)
            if drift is not None and drift.outcome == "worse":
                outcome = "drifted"
        outcomes.append(outcome)
    return outcomes


def doctor_pooled(nights: Array) -> list[str]:
    """inference-doctor on the runs of all nights of the window as the baseline folder."""
    return _doctor(nights, WINDOW)


def doctor_last_night(nights: Array) -> list[str]:
    """inference-doctor on the runs of the last night that was no regression."""
    return _doctor(nights, 1)


def _doctor(nights: Array, window: int) -> list[str]:
    rates = np.exp(nights)
    outcomes: list[str] = []
    baseline = [rates[0]]
    for tonight in rates[1:]:
        before = np.concatenate(baseline[-window:])
        outcome = compare_runs(before, tonight)
        if outcome != "worse":
            baseline.append(tonight)
        outcomes.append(outcome)
    return outcomes


def compare_runs(before: Array, after: Array, threshold: float = MARGIN) -> str:
    """``worse`` where the whole 90 % interval of the loss is at or past the threshold, ``no_worse`` where below."""
    if min(len(before), len(after)) < FEWEST_RUNS:
        return "inconclusive"
    sides = (before, after)
    parts = [float(side.var(ddof=1)) / (len(side) * float(side.mean()) ** 2) for side in sides]
    freedom = sum(parts) ** 2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, sides, strict=True))
    half = float(special.stdtrit(freedom, 0.95)) * math.sqrt(sum(parts))
    change, limit = math.log(float(after.mean()) / float(before.mean())), math.log1p(-threshold)
    return "worse" if change + half <= limit else "no_worse" if change - half > limit else "inconclusive"


RULES: dict[str, Callable[[Array], Sequence[str]]] = {
    "this project, nights as blocks": gate_alarms,
    "inference-doctor 0.4.1, baseline folder of all nights": doctor_pooled,
    "inference-doctor 0.4.1, baseline folder of the last night": doctor_last_night,
}
