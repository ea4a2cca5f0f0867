"""Simulates how often a rule calls a gain real on one to ten launches a side, for this project's rule and others.

Each launch has a level of its own, each round scatters around it by half as much, blocks may share an effect, and the
first round may be cold. The true gain is 0 or the floor, where every "real" is false, or larger, where it is power.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from bankable.evals.bench.few_rules import RULES, Array, Comparisons, compare_levels
from bankable.tools.statistics.few import FLOOR

LAUNCHES = tuple(range(1, 11))
LAUNCH_SDS = (0.005, 0.01, 0.02, 0.05, 0.10)
"""Standard deviation of a launch level, as a fraction."""
GAINS = (0.0, FLOOR, 0.02, 0.03, 0.05, 0.10)
"""True gains, as fractions."""
ROUND_SHARE = 0.5
"""Standard deviation of a round over that of a launch."""
SAME_ERROR_FROM = 4
"""Number of launches a side from which the power is compared with Welch's at the same error rate."""


@dataclass(frozen=True)
class LaunchSetting:
    """The simulated noise of launches."""

    name: str
    rounds: int = 3
    """Timed rounds of a launch."""
    block_sd: float = 0.0
    """Standard deviation of the common effect of a pair's launches, over that of a launch."""
    cold_reference: float = 0.0
    """Fraction by which the first round of each reference launch is slower."""


SETTINGS = (
    LaunchSetting("three rounds a launch"),
    LaunchSetting("one round a launch", rounds=1),
    LaunchSetting("two rounds a launch", rounds=2),
    LaunchSetting("two rounds, the first of each reference launch is 20 % slower", rounds=2, cold_reference=0.2),
    LaunchSetting("interleaved pairs that share drift", block_sd=1.0),
)


@dataclass(frozen=True)
class Cell:
    """One number of launches a side on one machine."""

    launches: int
    launch_sd: float


@dataclass(frozen=True)
class FewRates:
    """Shares of "real" in one setting: by rule and cell, one for each of ``GAINS``."""

    setting: LaunchSetting
    real: Mapping[str, Mapping[Cell, tuple[float, ...]]]
    same_error: Mapping[Cell, tuple[float, ...]]
    """The same for Welch's bound at the level that is wrong as often at the floor as this project's rule."""

    def worst(self, rule: str, gain: float, launch_sds: tuple[float, ...]) -> float:
        """Largest share over all numbers of launches and these machines."""
        index = GAINS.index(gain)
        return max(rates[index] for cell, rates in self.real[rule].items() if cell.launch_sd in launch_sds)

    def power(self, rule: str, gain: float) -> float:
        """Mean share over all cells."""
        rates = self.real[rule].values()
        return sum(each[GAINS.index(gain)] for each in rates) / len(rates)

    def least_advantage(self) -> float:
        """Smallest power of this project's rule less that of Welch's bound at the same error, over cells and gains."""
        ours = self.real[next(iter(RULES))]
        return min(
            own - other
            for cell, rates in self.same_error.items()
            for gain, own, other in zip(GAINS, ours[cell], rates, strict=True)
            if gain > FLOOR
        )


def simulate(setting: LaunchSetting, trials: int = 20_000, seed: int = 0) -> FewRates:
    """Return the rates of every rule in every cell, with the same noise for every gain and rule."""
    real: dict[str, dict[Cell, tuple[float, ...]]] = {name: {} for name in RULES}
    same_error: dict[Cell, tuple[float, ...]] = {}
    for launch_sd in LAUNCH_SDS:
        noise = _draw(setting, launch_sd, trials, seed)
        for launches in LAUNCHES:
            cell, sample = Cell(launches, launch_sd), Comparisons(noise[:, :, :launches])
            for name, rule in RULES.items():
                real[name][cell] = _shares(rule(sample))
            if launches >= SAME_ERROR_FROM:
                welch = compare_levels(sample.warm_levels)
                level = welch.level_for(real[next(iter(RULES))][cell][GAINS.index(FLOOR)])
                same_error[cell] = _shares(welch.needed_gain(level))
    return FewRates(setting, real, same_error)


def few_report(trials: int = 20_000, seed: int = 0) -> str:
    """Markdown: every rule in every cell of the first setting, and the worst rates in each setting.

    20,000 comparisons take half a minute of one core.
    """
    results = [simulate(setting, trials, seed) for setting in SETTINGS]
    head = f"{trials:,} comparisons a cell, seed {seed}, floor {FLOOR:.0%}, rounds scatter half as much as launches"
    parts = [head, *(_cells(results[0], rule) for rule in RULES), *(_summary(result) for result in results)]
    return "\n\n".join(parts)


def _draw(setting: LaunchSetting, launch_sd: float, trials: int, seed: int) -> Array:
    """Log metric of each round without a gain, shape (trials, 2, most launches, rounds)."""
    rng = np.random.default_rng([seed, round(launch_sd * 1e6), setting.rounds, round(setting.block_sd * 1000)])
    most = LAUNCHES[-1]
    level = rng.normal(0.0, launch_sd, (trials, 2, most))
    if setting.block_sd:
        level += rng.normal(0.0, setting.block_sd * launch_sd, (trials, 1, most))
    noise: Array = level[..., None] + rng.normal(0.0, ROUND_SHARE * launch_sd, (trials, 2, most, setting.rounds))
    noise[:, 0, :, 0] += math.log1p(-setting.cold_reference)
    return noise


def _shares(needed: Array) -> tuple[float, ...]:
    """Share of comparisons in which each gain is called real."""
    return tuple(float((needed < math.log1p(gain)).mean()) for gain in GAINS)


def _cells(result: FewRates, rule: str) -> str:
    """One table: launches down, machines across; false at 0 / false at the floor / power at 3, 5 and 10 %."""
    chosen = [GAINS.index(gain) for gain in (0.0, FLOOR, 0.03, 0.05, 0.10)]
    lines = [
        f"**{rule}** ({result.setting.name}): per cent called real at a true gain of 0 / 1 % / 3 % / 5 % / 10 %",
        "",
        "| launches a side | " + " | ".join(f"launch sd {launch_sd:.1%}" for launch_sd in LAUNCH_SDS) + " |",
        "| ---: |" + " --- |" * len(LAUNCH_SDS),
    ]
    for launches in LAUNCHES:
        row = (result.real[rule][Cell(launches, launch_sd)] for launch_sd in LAUNCH_SDS)
        shown = (" / ".join(_percent(rates[index]) for index in chosen) for rates in row)
        lines.append(f"| {launches} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def _summary(result: FewRates) -> str:
    quiet = tuple(launch_sd for launch_sd in LAUNCH_SDS if launch_sd <= 0.05)
    lines = [
        f'**{result.setting.name}**: worst share of false "real" over all numbers of launches, and mean power',
        "",
        "| rule | at 0, sd ≤ 5 % | at 0, sd 10 % | at the floor | power at +3 % | +5 % | +10 % |",
        "| --- |" + " ---: |" * 6,
    ]
    for rule in RULES:
        shares = (
            result.worst(rule, 0.0, quiet),
            result.worst(rule, 0.0, (0.10,)),
            result.worst(rule, FLOOR, LAUNCH_SDS),
            *(result.power(rule, gain) for gain in (0.03, 0.05, 0.10)),
        )
        lines.append(f"| {rule} | " + " | ".join(_percent(share) for share in shares) + " |")
    advantage = 100.0 * result.least_advantage()
    compared = f"From {SAME_ERROR_FROM} launches on, power less that of Welch's bound at the same error at the floor"
    return "\n".join([*lines, "", f"{compared}: {advantage:+.1f} points in the worst cell"])


@cache
def _percent(share: float) -> str:
    return f"{100.0 * share:.2f}" if share < 0.1 else f"{100.0 * share:.0f}"
