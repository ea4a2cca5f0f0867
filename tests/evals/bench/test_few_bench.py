"""The simulation of rules on few launches: it applies the real rule, and it shows what other rules do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bankable.evals.bench.few import GAINS, LAUNCH_SDS, Cell, FewRates, LaunchSetting, few_report, simulate
from bankable.evals.bench.few_rules import RULES, Comparisons, compare_levels, few_launches, geak
from bankable.tools.statistics.few import decide_few
from bankable.tools.statistics.simple import simple_rule

OURS = "this project"
QUIET = tuple(launch_sd for launch_sd in LAUNCH_SDS if launch_sd <= 0.05)


@pytest.fixture(scope="module")
def rates() -> FewRates:
    return simulate(LaunchSetting("three rounds a launch"), trials=3000, seed=5)


@pytest.mark.parametrize("launches", [1, 2, 3, 6])
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_the_vectorised_rule_is_the_real_one(launches: int, rounds: int) -> None:
    rng = np.random.default_rng(launches * 10 + rounds)
    logs = rng.normal(0.0, 0.02, (60, 2, launches, 1)) + rng.normal(0.0, 0.005, (60, 2, launches, rounds))
    logs[:30, 0, :, 0] -= 0.2
    for comparison, needed in zip(logs, few_launches(Comparisons(logs)), strict=True):
        for gain in (0.02, 0.08, 0.3):
            reference, candidate = np.exp(comparison[0]).tolist(), np.exp(comparison[1] + math.log1p(gain)).tolist()
            assert (decide_few(reference, candidate).verdict == "real") == (needed < math.log1p(gain))


def test_geaks_rule_is_the_simple_rule() -> None:
    logs = np.random.default_rng(3).normal(0.0, 0.01, (200, 2, 1, 5))
    for comparison, needed in zip(logs, geak(Comparisons(logs)), strict=True):
        reference, candidate = (np.exp(side).ravel().tolist() for side in comparison)
        assert simple_rule(reference, candidate).wins == (needed < 0.0)


def test_error_rates_and_power_of_the_rule(rates: FewRates) -> None:
    """Limits with four standard errors of 3,000 comparisons."""
    assert rates.worst(OURS, 0.0, QUIET) < 0.01 + 0.0075
    assert rates.worst(OURS, 0.0, (0.10,)) < 0.025 + 0.0115
    assert rates.worst(OURS, 0.01, LAUNCH_SDS) < 0.05
    assert rates.real[OURS][Cell(1, 0.005)] == (0.0,) * len(GAINS)
    assert rates.least_advantage() > -0.03
    quiet = GAINS.index(0.03)
    assert rates.real[OURS][Cell(3, 0.005)][quiet] > 0.7
    assert rates.real[OURS][Cell(5, 0.02)][GAINS.index(0.05)] > 0.6


def test_what_other_rules_do(rates: FewRates) -> None:
    shares = {rule: rates.real[rule] for rule in RULES}
    assert 0.2 < shares["GEAK, medians 0.5 % apart and no overlap"][Cell(1, 0.01)][0] < 0.35
    assert 0.17 < shares["Hyperloom, two pairs, same sign, 3 %"][Cell(2, 0.05)][0] < 0.25
    assert shares["AIPerf, 95 % intervals do not overlap"][Cell(10, 0.005)][GAINS.index(0.01)] > 0.7
    assert shares["inference-doctor 0.4.1, threshold = floor"][Cell(2, 0.02)] == (0.0,) * len(GAINS)
    assert shares["Welch, one-sided 95 % bound above the floor"][Cell(5, 0.05)][0] > 0.015


def test_welchs_bound_is_calibrated_to_the_same_error() -> None:
    levels = np.random.default_rng(9).normal(0.0, 0.02, (4000, 2, 5))
    welch = compare_levels(levels)
    assert float((welch.needed_gain(welch.level_for(0.02)) < math.log1p(0.01)).mean()) == pytest.approx(0.02, abs=5e-4)


def test_the_report_has_a_table_for_each_rule_and_each_setting() -> None:
    report = few_report(trials=100, seed=1)
    assert report.count("| launches a side |") == len(RULES)
    assert report.count("| rule | at 0, sd ≤ 5 % |") == 5
    assert report == few_report(trials=100, seed=1)
