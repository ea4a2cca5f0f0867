"""Simulates false gains and power of rules for goodput, which is often zero near its limits."""

from __future__ import annotations

from bankable.evals.bench.goodput_rules import RULES, LatencyMachine, simulate_goodput

SHARES = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99)
FASTER = (0.0, 0.05, 0.10)


def goodput_table(trials: int = 20_000, seed: int = 0) -> str:
    """Markdown: a table for each cut of the latencies; share of "win" in per cent by share of good requests."""
    machine = LatencyMachine()
    simulated = simulate_goodput(SHARES, FASTER, machine, trials, seed)
    lines = [
        f"log latency: launch sd {machine.launch_sd:g}, round sd {machine.round_sd:g}, "
        f"request sd {machine.request_sd:g}; {machine.rounds} rounds of {machine.requests} requests a launch, "
        f"{trials:,} trials, seed {seed}"
    ]
    for cut in FASTER:
        title = "false wins" if cut == 0 else f"found, every latency {cut:.0%} shorter"
        lines += ["", f"| {title} | " + " | ".join(f"{share:.1%} good" for share in SHARES) + " |"]
        lines.append("| --- |" + " ---: |" * len(SHARES))
        lines += [
            f"| {name} | " + " | ".join(f"{100.0 * simulated[name, share, cut]:.1f} %" for share in SHARES) + " |"
            for name in RULES
        ]
    return "\n".join(lines)
