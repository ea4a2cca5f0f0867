"""Simulates how often verdict rules call a null change of goodput a gain, and how often they find a real one.

Every request has a log-normal latency around the level of its launch and round, and is good below one limit, which a
share p of all requests meets. A launch is a few rounds of such requests, so that its goodput is often 0 where p is
small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from bankable.tools.statistics.paired import SIGN_FLIP_LEVEL
from bankable.tools.statistics.sequential import LOOK_ALPHA, LOOKS
from bankable.tools.statistics.simulate import Array, Flags, paired_wins, sign_flip_shares
from bankable.tools.statistics.student import t_quantile

FLOOR = 0.01


@dataclass(frozen=True)
class LatencyMachine:
    """Standard deviations of the logarithm of a latency, and the size of a launch."""

    launch_sd: float = 0.05
    round_sd: float = 0.03
    request_sd: float = 0.25
    """Of the requests of one round."""
    duration_sd: float = 0.02
    """Of the logarithm of a round's duration."""
    requests: int = 48
    """Requests of a round."""
    rounds: int = 4
    """Timed rounds of a launch."""


Rule = Callable[[Array, Array], Flags]
"""Goodput of the reference and of the candidate, shape (trials, blocks), in requests a second; which rows win."""


def simulate_goodput(
    shares: tuple[float, ...],
    faster: tuple[float, ...] = (0.0, 0.05, 0.10),
    machine: LatencyMachine | None = None,
    trials: int = 20_000,
    seed: int = 0,
) -> Mapping[tuple[str, float, float], float]:
    """Return the rate of "win" by (rule, p, cut of every latency as a fraction)."""
    machine = machine or LatencyMachine()
    results: dict[tuple[str, float, float], float] = {}
    for share in shares:
        for cut in faster:
            rng = np.random.default_rng([seed, round(1e6 * share), round(1e6 * cut)])
            reference = _goodput(rng, machine, trials, share, 0.0)
            candidate = _goodput(rng, machine, trials, share, cut)
            for name, rule in RULES.items():
                results[name, share, cut] = float(rule(reference, candidate).mean())
    return results


def _goodput(rng: np.random.Generator, machine: LatencyMachine, trials: int, share: float, cut: float) -> Array:
    """Goodput of launches, shape (trials, most blocks)."""
    shape = (trials, LOOKS[-1], machine.rounds)
    level = rng.normal(0.0, machine.launch_sd, shape[:2])[:, :, None] + rng.normal(0.0, machine.round_sd, shape)
    # The limit is the quantile of latencies over launches, rounds and requests together.
    spread = float(np.sqrt(machine.launch_sd**2 + machine.round_sd**2 + machine.request_sd**2))
    limit = float(ndtri(share)) * spread
    within = ndtr((limit - level - np.log1p(-cut)) / machine.request_sd)
    good = rng.binomial(machine.requests, within).sum(axis=2)
    seconds = np.exp(rng.normal(0.0, machine.duration_sd, shape)).sum(axis=2)
    rates: Array = good / seconds
    return rates


def _ours(n: int, alpha: float, *, sign_flip: bool = True) -> Rule:
    def wins(reference: Array, candidate: Array) -> Flags:
        x, y = reference[:, :n], candidate[:, :n]
        won = paired_wins(y - (1.0 + FLOOR) * x, alpha, 0.0, sign_flip=False)
        if sign_flip:
            won[won] = sign_flip_shares((y - x)[won]) <= SIGN_FLIP_LEVEL
        return won

    return wins


def _looked(rule: Callable[[int], Rule]) -> Rule:
    def wins(reference: Array, candidate: Array) -> Flags:
        won = np.zeros(len(reference), dtype=np.bool_)
        for n in LOOKS:
            won |= rule(n)(reference, candidate)
        return won

    return wins


def _logs_of_positive(reference: Array, candidate: Array) -> Flags:
    """Log ratios of six blocks, blocks with a zero left out."""
    x, y = reference[:, :6], candidate[:, :6]
    usable = (x > 0) & (y > 0)
    logs = np.where(usable, np.log(np.where(usable, y, 1.0) / np.where(usable, x, 1.0)), 0.0)
    n = usable.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = logs.sum(axis=1) / n
        sd = np.sqrt((np.where(usable, logs - mean[:, None], 0.0) ** 2).sum(axis=1) / (n - 1))
        quantiles = np.array([np.inf, np.inf, *(t_quantile(0.95, count - 1) for count in range(2, 7))])
        won: Flags = (n >= 2) & (mean - quantiles[n] * sd / np.sqrt(n) > np.log1p(FLOOR))
    return won


def _logs_with_half(reference: Array, candidate: Array) -> Flags:
    """Log ratios of six blocks, a hundredth of the mean rate added to every rate."""
    x, y = reference[:, :6], candidate[:, :6]
    small = 0.01 * np.maximum(np.concatenate([x, y], axis=1).mean(axis=1), 1e-12)[:, None]
    return paired_wins(np.log((y + small) / (x + small)), 0.05, float(np.log1p(FLOOR)), sign_flip=False)


def _single(reference: Array, candidate: Array) -> Flags:
    """The larger goodput of one launch each."""
    won: Flags = candidate[:, 0] > (1.0 + FLOOR) * reference[:, 0]
    return won


RULES: Mapping[str, Rule] = {
    "one launch each, the larger goodput": _single,
    "six blocks, log ratios, blocks with a zero left out": _logs_of_positive,
    "six blocks, log ratios, a little added to every rate": _logs_with_half,
    "six blocks, rates, without the sign-flip test": _ours(6, 0.05, sign_flip=False),
    "ours: six blocks, rates, and sign-flip": _ours(6, 0.05),
    "ours: looks at 5/7/10, rates, and sign-flip": _looked(lambda n: _ours(n, LOOK_ALPHA)),
}
