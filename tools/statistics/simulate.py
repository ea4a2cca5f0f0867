"""Simulates the error rates of verdict rules: how often each calls a null change a gain, and finds a real one.

A machine drifts as a random walk from launch to launch, every launch has a level of its own, every round scatters
around it. Each rule sees data that it would have collected itself: rules over one launch a leg get one launch a leg.
Needs numpy, and is imported by nothing that an audit runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bankable.tools.statistics.paired import SIGN_FLIP_LEVEL
from bankable.tools.statistics.sequential import LOOK_ALPHA, LOOKS
from bankable.tools.statistics.student import t_quantile

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Machine:
    """Relative standard deviations, as fractions."""

    launch_sd: float = 0.008
    round_sd: float = 0.005
    drift_sd: float = 0.003
    """Step of the random walk from one launch to the next."""
    rounds: int = 3
    """Timed rounds of a launch in the paired rules."""


@dataclass(frozen=True)
class Rates:
    """How often a rule says "win", per rule, as fractions."""

    one_launch_simple: float
    """One launch each, seven rounds against seven: median gain above 0.5 % and no overlap."""
    one_launch_t: float
    """Student's t-test over these fourteen rounds."""
    six_then_six_t: float
    """Six launches of A, then six of B: t-test over launch levels."""
    paired_six: float
    """Six paired blocks, L > 0."""
    paired_looks: float
    """Paired blocks with looks at 5, 7 and 10, each at α = 0.024, L > 0."""
    paired_six_floor: float
    """Six paired blocks, L > log(1.01)."""
    paired_six_full: float
    """``paired_six`` with the sign-flip test on top, as a verdict applies it."""
    paired_looks_full: float
    """``paired_looks`` with the sign-flip test on top."""
    rule_six: float
    """The verdict rule of this project at a fixed n of 6: L > log(1.01) and the sign-flip test."""
    rule_looks: float
    """The verdict rule of this project at the looks 5, 7 and 10."""


def simulate_rules(
    gains: tuple[float, ...] = (0.0, 0.01, 0.02, 0.03),
    machine: Machine | None = None,
    trials: int = 20_000,
    seed: int = 0,
) -> Mapping[float, Rates]:
    """Return the rate of "win" of each rule for each true gain (fraction); the same noise for every gain."""
    machine = machine or Machine()
    rng = np.random.default_rng(seed)
    single = _rounds(rng, machine, trials, launches=2, rounds=7)
    grouped = np.median(_rounds(rng, machine, trials, launches=12, rounds=machine.rounds), axis=2)
    blocked = np.median(_rounds(rng, machine, trials, launches=2 * LOOKS[-1], rounds=machine.rounds), axis=2)
    # The order inside a block alternates, so the second launch of an odd block is the reference.
    sign = np.where(np.arange(LOOKS[-1]) % 2 == 0, 1.0, -1.0)
    differences = (blocked[:, 1::2] - blocked[:, 0::2]) * sign
    return {gain: _rates(single, grouped, differences, float(np.log1p(gain))) for gain in gains}


def paired_wins(differences: Array, alpha: float, threshold: float, *, sign_flip: bool = True) -> Flags:
    """Apply the paired rule to each row of block differences (log ratio): L > threshold, and sign-flip p ≤ 0.05."""
    n = differences.shape[1]
    half = t_quantile(1.0 - alpha, n - 1) * differences.std(axis=1, ddof=1) / np.sqrt(n)
    wins: Flags = differences.mean(axis=1) - half > threshold
    if sign_flip:
        wins[wins] = sign_flip_shares(differences[wins]) <= SIGN_FLIP_LEVEL
    return wins


def looked_wins(
    differences: Array, looks: tuple[int, ...], alpha: float, threshold: float, *, sign_flip: bool = True
) -> Flags:
    """Say for each row whether any declared look calls a win; a futility stop is ignored, which can only add wins."""
    wins = np.zeros(len(differences), dtype=np.bool_)
    for n in looks:
        wins |= paired_wins(differences[:, :n], alpha, threshold, sign_flip=sign_flip)
    return wins


def _rates(single: Array, grouped: Array, differences: Array, effect: float) -> Rates:
    a, b = np.exp(single[:, 0]), np.exp(single[:, 1] + effect)
    simple = (np.median(b, axis=1) / np.median(a, axis=1) > 1.005) & (b.min(axis=1) > a.max(axis=1))
    moved = differences + effect
    return Rates(
        one_launch_simple=float(simple.mean()),
        one_launch_t=float(_two_sample(single[:, 0], single[:, 1] + effect).mean()),
        six_then_six_t=float(_two_sample(grouped[:, :6], grouped[:, 6:] + effect).mean()),
        paired_six=float(paired_wins(moved[:, :6], 0.05, 0.0, sign_flip=False).mean()),
        paired_looks=float(looked_wins(moved, LOOKS, LOOK_ALPHA, 0.0, sign_flip=False).mean()),
        paired_six_floor=float(paired_wins(moved[:, :6], 0.05, float(np.log1p(0.01)), sign_flip=False).mean()),
        paired_six_full=float(paired_wins(moved[:, :6], 0.05, 0.0).mean()),
        paired_looks_full=float(looked_wins(moved, LOOKS, LOOK_ALPHA, 0.0).mean()),
        rule_six=float(paired_wins(moved[:, :6], 0.05, float(np.log1p(0.01))).mean()),
        rule_looks=float(looked_wins(moved, LOOKS, LOOK_ALPHA, float(np.log1p(0.01))).mean()),
    )


def _rounds(rng: np.random.Generator, machine: Machine, trials: int, launches: int, rounds: int) -> Array:
    """Log metric of every round, shape (trials, launches, rounds)."""
    walk = rng.normal(0.0, machine.drift_sd, (trials, launches)).cumsum(axis=1)
    level = walk + rng.normal(0.0, machine.launch_sd, (trials, launches))
    noise: Array = level[:, :, None] + rng.normal(0.0, machine.round_sd, (trials, launches, rounds))
    return noise


def _two_sample(a: Array, b: Array) -> Flags:
    """One-sided pooled t-test at 5 %, row by row."""
    n = a.shape[1]
    pooled = (a.var(axis=1, ddof=1) + b.var(axis=1, ddof=1)) / 2.0
    t = (b.mean(axis=1) - a.mean(axis=1)) / np.sqrt(pooled * 2.0 / n)
    wins: Flags = t > t_quantile(0.95, 2 * n - 2)
    return wins


def sign_flip_shares(differences: Array) -> Array:
    """Return the sign-flip p of each row."""
    n = differences.shape[1]
    signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    shares: list[Array] = []
    for chunk in np.array_split(differences, max(1, len(differences) // 2000)):
        observed = chunk.sum(axis=1) - 1e-12 * np.abs(chunk).sum(axis=1)
        shares.append((chunk @ signs.T >= observed[:, None]).mean(axis=1))
    return np.concatenate(shares)
