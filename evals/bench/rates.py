"""Simulates the false-gain rate and the power of verdict rules, from which this project's rule was chosen."""

from __future__ import annotations

from bankable.tools.statistics.simulate import Machine, Rates, simulate_rules

GAINS = (0.0, 0.01, 0.02, 0.03)
RULES = {
    "one_launch_simple": "one launch each, 7 v 7 rounds, median > 0.5 % and no overlap",
    "one_launch_t": "t-test over those 14 rounds",
    "six_then_six_t": "six A, then six B, t-test",
    "paired_six": "paired blocks, n = 6",
    "paired_looks": "paired, looks at 5/7/10, α = 0.024 each",
    "paired_six_floor": "paired, n = 6, above a floor of 1 %",
    "paired_six_full": "paired, n = 6, and sign-flip",
    "paired_looks_full": "paired, looks at 5/7/10, and sign-flip",
    "rule_six": "ours: paired, n = 6, above the floor of 1 %, and sign-flip",
    "rule_looks": "ours: paired, looks at 5/7/10, above the floor of 1 %, and sign-flip",
}


def rates_table(trials: int = 20_000, seed: int = 0, machine: Machine | None = None) -> str:
    """Markdown: one row a rule; share of "win" in per cent at each true gain. The first column is false wins."""
    machine = machine or Machine()
    simulated = simulate_rules(GAINS, machine, trials, seed)
    head = "| rule | " + " | ".join("false wins" if gain == 0 else f"power at +{gain:.0%}" for gain in GAINS) + " |"
    lines = [
        f"launch sd {machine.launch_sd:.1%}, round sd {machine.round_sd:.1%}, drift {machine.drift_sd:.1%} per launch, "
        f"{trials:,} trials, seed {seed}",
        "",
        head,
        "| --- |" + " ---: |" * len(GAINS),
    ]
    lines += [
        f"| {label} | " + " | ".join(_shown(simulated[gain], name) for gain in GAINS) + " |"
        for name, label in RULES.items()
    ]
    return "\n".join(lines)


def _shown(rates: Rates, name: str) -> str:
    value = 100.0 * float(getattr(rates, name))
    return f"{value:.2f} %" if value < 1.0 else f"{value:.1f} %"
