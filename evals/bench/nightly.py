"""Simulates nightly gates: false alarms over histories without a change, and how often a regression is found."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bankable.evals.bench.nightly_rules import MARGIN, RULES, Array, NightMachine, gate_alarms
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


FEWEST_NIGHTS = 6
"""Nights without a change before the first injected loss on recorded launches."""
LAUNCHES_A_NIGHT = 2


def recorded_table(archive: Path) -> str:
    """Markdown: the rules on launches of recorded A/A runs, two launches a night in the order of their starts.

    The launches are of real servers and minutes apart, so that what separates these "nights" is a machine that others
    use as well. inference-doctor is given each round as a run, as it reads JSON lines; ours the launches. The loss is
    injected into one night after the other from the seventh on.
    """
    rounds = read_launches(archive)
    count = len(rounds) // LAUNCHES_A_NIGHT
    used = rounds[: count * LAUNCHES_A_NIGHT]
    levels: Array = np.median(used, axis=1).reshape(count, LAUNCHES_A_NIGHT)
    lines = [
        f"{count} nights of {LAUNCHES_A_NIGHT} recorded launches, {len(used[0])} rounds each ({archive.name})",
        "",
        f"| recorded launches | false alarms, of nights | {LOSS:.0%} regression found |",
        "| --- | --- | --- |",
    ]
    for name, rule in RULES.items():
        nights = levels if rule is gate_alarms else used.reshape(count, -1)
        alarms = Rate.count(outcome in ALARMS for outcome in rule(nights))
        found = Rate.count(_lose(nights, last, rule)[-1] in ALARMS for last in range(FEWEST_NIGHTS, count))
        lines.append(f"| {name} | {_describe(alarms)} | {_describe(found)} |")
    return "\n".join(lines)


def read_launches(archive: Path) -> Array:
    """Log throughput of each round of every complete launch in an archive of runs, in the order of their starts."""
    launched: dict[str, float] = {}
    rounds: dict[str, list[float]] = {}
    with tarfile.open(archive) as files:
        for member in files:
            folder, _, name = member.name.rpartition("/")
            if "/comparisons/" not in folder or name not in ("leg.json", "bench_runs.jsonl"):
                continue
            content = files.extractfile(member)
            if content is None:
                continue
            if name == "leg.json":
                leg = json.load(content)
                if leg["status"] == "complete":
                    launched[folder] = float(leg["launched_at"])
            else:
                rounds[folder] = [float(json.loads(line)["output_throughput"]) for line in content]
    order = sorted((folder for folder in launched if folder in rounds), key=lambda folder: (launched[folder], folder))
    logs: Array = np.log(np.array([rounds[folder] for folder in order]))
    return logs


def _lose(nights: Array, last: int, rule: Callable[[Array], Sequence[str]]) -> Sequence[str]:
    """Outcomes of the nights up to ``last``, which loses ``LOSS``."""
    history = nights[: last + 1].copy()
    history[-1] += np.log1p(-LOSS)
    return rule(history)


def _describe(rate: Rate) -> str:
    low, high = rate.interval or (0.0, 1.0)
    return f"{rate.hits} of {rate.of} = {rate.share or 0.0:.1%} [{low:.1%}, {high:.1%}]"
