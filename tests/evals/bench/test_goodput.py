"""Simulated goodput: the project's rule keeps its level wherever the limit lies; the usual ones do not."""

from __future__ import annotations

import math

import pytest

from bankable.evals.bench.goodput import goodput_table
from bankable.evals.bench.goodput_rules import LatencyMachine, simulate_goodput

TRIALS = 2000
OURS = "ours: looks at 5/7/10, rates, and sign-flip"
SHARES = (0.002, 0.05, 0.5, 0.95)


@pytest.mark.parametrize("launch_sd", [0.02, 0.2])
def test_false_wins_stay_below_five_per_cent(launch_sd: float) -> None:
    simulated = simulate_goodput(SHARES, (0.0,), LatencyMachine(launch_sd=launch_sd), TRIALS)
    slack = 3 * math.sqrt(0.05 * 0.95 / TRIALS)
    assert max(simulated[OURS, share, 0.0] for share in SHARES) < 0.05 + slack
    assert simulated["one launch each, the larger goodput", 0.5, 0.0] > 0.4


def test_a_real_cut_of_the_latencies_is_found() -> None:
    simulated = simulate_goodput((0.5,), (0.10,), None, 500)
    assert simulated[OURS, 0.5, 0.10] > 0.9


def test_the_table_has_a_row_for_each_rule() -> None:
    table = goodput_table(trials=100)
    assert table.count(OURS) == 3
    assert "false wins" in table
