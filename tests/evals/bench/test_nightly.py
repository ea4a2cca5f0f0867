"""The simulated gates: few false alarms on quiet and on moving machines, and regressions are found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bankable.evals.bench.nightly import recorded_table, simulate_gates
from bankable.evals.bench.nightly_rules import RULES, NightMachine, compare_runs

OURS, POOLED, LAST = RULES


def test_nights_that_move_alarm_a_rule_that_knows_no_nights() -> None:
    rates = simulate_gates(NightMachine(0.02), 12, 1)
    assert (rates[OURS].false_nights.share or 0.0) < 0.02
    assert (rates[LAST].false_nights.share or 0.0) > 0.05


def test_a_quiet_machine_shows_a_regression() -> None:
    rates = simulate_gates(NightMachine(0.0), 6, 1)
    assert rates[OURS].found.share == pytest.approx(1.0, abs=0.1)
    assert rates[OURS].false_histories.hits <= 1


def test_the_rule_of_runs_needs_three_a_side_and_a_whole_interval_past_the_threshold() -> None:
    before = np.array([100.0, 101.0, 99.0])
    assert compare_runs(before, 0.9 * before) == "worse"
    assert compare_runs(before, 0.98 * before) == "inconclusive"
    assert compare_runs(before, 1.1 * before) == "no_worse"
    assert compare_runs(before, 0.5 * before[:2]) == "inconclusive"
    assert compare_runs(np.repeat(before, 5), np.repeat(before, 5)) == "no_worse"


def test_recorded_launches_of_real_servers_make_twenty_nights_without_a_change() -> None:
    archive = Path(__file__).resolve().parents[3] / "evals" / "recorded" / "null-runs.tar.xz"
    rows = {line.split(" | ")[0].strip("| "): line for line in recorded_table(archive).splitlines()[4:]}
    assert set(rows) == set(RULES)
    assert "| 1 of 20 = 5.0%" in rows[OURS]
    assert "| 5 of 15 = 33.3%" in rows[OURS]
