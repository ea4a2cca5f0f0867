"""A verdict on evidence with too few launches to see how launches differ: assume it, say where from, and be wide.

    s² = σ²·(1/L_A + 1/L_B) + s_round²·(1/N_A + 1/N_B)        N: rounds of a leg over all its launches

which for equal legs is 2·(σ²/L + s_round²/(L·k)). σ, the standard deviation of a launch, comes from the run's own A/A
control, else from at least four launches of either leg, else from a stated prior of 2 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

from bankable.tools.statistics.paired import Verdict, launch_level
from bankable.tools.statistics.simple import NOISE_BAND, SimpleRule, simple_rule
from bankable.tools.statistics.student import t_quantile

PRIOR_LAUNCH_SD = 0.02
"""Relative standard deviation of a server launch where nothing was observed."""

MIN_LAUNCHES = 4
"""Launches of one leg from which σ may be estimated."""


@dataclass(frozen=True)
class Control:
    """What the run's own A/A control saw."""

    block_sd: float
    """Standard deviation of its block differences, as a log ratio: √2 times that of a launch."""
    blocks: int


@dataclass(frozen=True)
class FewDecision:
    """What unplanned evidence says. Mean and bounds are log ratios."""

    verdict: Verdict
    mean: float
    lower: float
    upper: float
    launch_sd: float
    launch_sd_source: Literal["control", "launches", "prior"]
    round_sd: float
    launches: tuple[int, int]
    """Of the reference and of the candidate."""
    simple: SimpleRule
    """The simple rule over all rounds, because people know it."""

    @property
    def gain(self) -> float:
        """Mean gain as a fraction."""
        return math.expm1(self.mean)

    @property
    def gain_interval(self) -> tuple[float, float]:
        """Bounds as fractions."""
        return math.expm1(self.lower), math.expm1(self.upper)


def decide_few(
    reference: Sequence[Sequence[float]],
    candidate: Sequence[Sequence[float]],
    *,
    alpha: float = 0.05,
    floor: float = 0.01,
    control: Control | None = None,
    prior: float = PRIOR_LAUNCH_SD,
    band: float = NOISE_BAND,
) -> FewDecision:
    """Judge legs given as launches of rounds of the metric. Raises ValueError on an empty leg or launch."""
    if not reference or not candidate:
        raise ValueError("both legs need at least one launch")
    levels = [[launch_level(rounds) for rounds in leg] for leg in (reference, candidate)]
    launch_sd, df, source = _launch_sd(levels, control, prior)
    round_sd = _round_sd([*reference, *candidate], launch_sd)
    variance = sum(
        launch_sd**2 / len(leg) + round_sd**2 / sum(len(rounds) for rounds in leg) for leg in (reference, candidate)
    )
    mean = fmean(levels[1]) - fmean(levels[0])
    half = t_quantile(1.0 - alpha, df) * math.sqrt(variance)
    lower, upper, threshold = mean - half, mean + half, math.log1p(floor)
    verdict: Verdict = "real" if lower > threshold else "not_real" if upper < threshold else "undecided"
    flat = [[value for rounds in leg for value in rounds] for leg in (reference, candidate)]
    return FewDecision(
        verdict,
        mean,
        lower,
        upper,
        launch_sd,
        source,
        round_sd,
        (len(reference), len(candidate)),
        simple_rule(flat[0], flat[1], band),
    )


def _launch_sd(
    levels: Sequence[Sequence[float]], control: Control | None, prior: float
) -> tuple[float, float, Literal["control", "launches", "prior"]]:
    if control is not None and control.blocks >= 2:
        return control.block_sd / math.sqrt(2.0), control.blocks - 1, "control"
    enough = [leg for leg in levels if len(leg) >= MIN_LAUNCHES]
    if enough:
        df = sum(len(leg) - 1 for leg in enough)
        return math.sqrt(sum(stdev(leg) ** 2 * (len(leg) - 1) for leg in enough) / df), df, "launches"
    # A prior is taken as known, so its bound is a normal one.
    return prior, math.inf, "prior"


def _round_sd(launches: Sequence[Sequence[float]], launch_sd: float) -> float:
    """Pooled standard deviation of log(metric) within launches; that of a launch where no launch has two rounds."""
    logs = [[math.log(value) for value in rounds] for rounds in launches if len(rounds) > 1]
    if not logs:
        return launch_sd
    squares = sum(sum((x - fmean(group)) ** 2 for x in group) for group in logs)
    return math.sqrt(squares / sum(len(group) - 1 for group in logs))
