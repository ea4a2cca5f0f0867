"""Simulates nightly gates: false alarms over histories without a change, and how often a regression is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bankable.evals.bench.nightly_rules import MARGIN, RULES, NightMachine
from bankable.evals.score.rate import Rate

NIGHTS = 20
"""Of a history without a change."""
LOSS = 0.05
"""Injected regression, as a fraction of the throughput."""
CREEP, CREEP_NIGHTS = 0.002, 40
"""Loss of every night in the slow regression, as a fraction, and its nights."""
ALARMS = frozenset({"worse", "drifted"})
MACHINES = (
    NightMachine(0.0),
    NightMachine(0.005),
    NightMachine(0.01),
    NightMachine(0.02),
    NightMachine(0.005, walk_sd=0.003),
)


@dataclass(frozen=True)
class GateRates:
    """What one rule does on one machine."""

    false_nights: Rate
    """Nights without a change that are called a regression."""
    false_histories: Rate
    """Histories of ``NIGHTS`` nights without a change that have such a night."""
    found: Rate
    """Histories after which a night with ``LOSS`` is called a regression."""
    undecided: Rate
    """The same night, called inconclusive."""
    creeping: Rate
    """Histories with ``CREEP`` a night in which any night is called a regression."""


def simulate_gates(machine: NightMachine, trials: int, seed: int) -> Mapping[str, GateRates]:
    """Return the rates of every rule, on the same simulated launches."""
    rng = np.random.default_rng([seed, round(machine.night_sd * 1e6), round(machine.walk_sd * 1e6)])
    marks: dict[str, tuple[list[bool], ...]] = {name: ([], [], [], [], []) for name in RULES}
    slope = np.log1p(-CREEP) * np.arange(CREEP_NIGHTS)[:, None]
    for _ in range(trials):
        nights = machine.draw(rng, NIGHTS + 1)
        nights[-1] += np.log1p(-LOSS)
        creep = machine.draw(rng, CREEP_NIGHTS) + slope
        for name, rule in RULES.items():
            *history, last = rule(nights)
            alarms = [outcome in ALARMS for outcome in history]
            mine = marks[name]
            mine[0].extend(alarms)
            mine[1].append(any(alarms))
            mine[2].append(last in ALARMS)
            mine[3].append(last == "inconclusive")
            mine[4].append(any(outcome in ALARMS for outcome in rule(creep)))
    return {name: GateRates(*map(Rate.count, lists)) for name, lists in marks.items()}


def gate_table(trials: int = 200, seed: int = 0) -> str:
    """Markdown: a table for each machine, shares with their 95 % intervals."""
    lines = [
        f"{trials:,} histories of {NIGHTS} nights a machine, 3 launches a night, launch sd 1.0%, seed {seed}; every "
        f"rule with a threshold of {MARGIN:.0%}. In brackets 95 % intervals (Wilson)."
    ]
    for machine in MACHINES:
        lines += [
            "",
            f"| {machine.name} | false alarms, of nights | of histories | {LOSS:.0%} regression found | inconclusive | "
            f"{CREEP:.1%} a night over {CREEP_NIGHTS} nights found |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for name, rates in simulate_gates(machine, trials, seed).items():
            shown = (rates.false_nights, rates.false_histories, rates.found, rates.undecided, rates.creeping)
            lines.append(f"| {name} | {' | '.join(map(_describe, shown))} |")
    return "\n".join(lines)


def _describe(rate: Rate) -> str:
    low, high = rate.interval or (0.0, 1.0)
    return f"{rate.hits} of {rate.of} = {rate.share or 0.0:.1%} [{low:.1%}, {high:.1%}]"
