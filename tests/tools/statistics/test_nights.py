"""Nights as blocks: the night is part of the noise, and more launches on one night do not remove it."""

from __future__ import annotations

import math
import random

import pytest

from bankable.tools.statistics.drift import find_drift
from bankable.tools.statistics.nights import decide_nights, find_spread
from bankable.tools.statistics.student import t_quantile


def make_nights(
    count: int, *, night_sd: float, launch_sd: float, launches: int = 3, seed: int = 1
) -> list[list[float]]:
    """Log levels of nights without a change, around 0."""
    rng = random.Random(seed)
    nights = []
    for _ in range(count):
        night = rng.gauss(0.0, night_sd)
        nights.append([night + rng.gauss(0.0, launch_sd) for _ in range(launches)])
    return nights


def decide(baseline: list[list[float]], candidate: list[list[float]], margin: float = 0.02) -> str:
    return decide_nights(baseline, candidate, margin, larger_is_better=True).outcome


@pytest.mark.parametrize(
    ("level", "outcome"), [(0.0, "no_worse"), (-0.05, "worse"), (0.06, "better"), (-0.02, "inconclusive")]
)
def test_the_four_outcomes(level: float, outcome: str) -> None:
    baseline = make_nights(20, night_sd=0.003, launch_sd=0.003)
    assert decide(baseline, [[level, level + 0.001, level - 0.001]]) == outcome


def test_bounds_are_those_of_a_prediction_over_nights() -> None:
    baseline = [[0.00, 0.02], [0.02, 0.04], [-0.02, 0.0], [0.01, 0.03], [-0.01, 0.01]]
    decision = decide_nights(baseline, [[-0.03, -0.01]], 0.02, larger_is_better=True)
    means = [0.01, 0.03, -0.01, 0.02, 0.0]
    variance = sum((mean - 0.01) ** 2 for mean in means) / 4
    half = t_quantile(0.95, 4) * math.sqrt(variance * (1 + 1 / 5))
    assert decision.harm == pytest.approx(-math.expm1(-0.03))
    assert decision.lower == pytest.approx(-math.expm1(-(0.03 - half)))
    assert decision.upper == pytest.approx(-math.expm1(-(0.03 + half)))
    assert decision.spread.launches == pytest.approx(0.0002)
    assert decision.spread.night_sd == pytest.approx(math.sqrt(variance - 0.0001))


def test_noise_between_nights_widens_the_bounds_although_launches_of_a_night_agree() -> None:
    quiet = make_nights(10, night_sd=0.0, launch_sd=0.002)
    moving = make_nights(10, night_sd=0.03, launch_sd=0.002)
    tonight = [[-0.05, -0.051, -0.049]]
    assert decide(quiet, tonight) == "worse"
    assert decide(moving, tonight) == "inconclusive"


def test_many_launches_on_one_night_are_no_many_nights() -> None:
    baseline = make_nights(10, night_sd=0.02, launch_sd=0.002)
    three = decide_nights(baseline, [[-0.03] * 3], 0.02, larger_is_better=True)
    thirty = decide_nights(baseline, [[-0.03] * 30], 0.02, larger_is_better=True)
    assert thirty.upper == pytest.approx(three.upper, rel=0.02)
    assert thirty.outcome == "inconclusive"


def test_fewer_launches_than_usual_widen_the_bounds() -> None:
    baseline = make_nights(10, night_sd=0.005, launch_sd=0.02, launches=4)
    usual = decide_nights(baseline, [[0.0] * 4], 0.02, larger_is_better=True)
    single = decide_nights(baseline, [[0.0]], 0.02, larger_is_better=True)
    assert single.upper - single.harm > 1.2 * (usual.upper - usual.harm)


def test_a_baseline_of_one_night_decides_nothing() -> None:
    decision = decide_nights([[0.0, 0.001, -0.001]], [[-0.5, -0.501, -0.499]], 0.02, larger_is_better=True)
    assert decision.outcome == "inconclusive"
    assert decision.more is not None
    assert decision.more.of == "baseline"


def test_two_nights_that_agree_by_luck_are_not_taken_for_a_quiet_machine() -> None:
    assert decide([[0.0], [0.00001]], [[-0.03]]) == "inconclusive"
    assert decide([[0.0], [0.00001]], [[0.0]]) == "inconclusive"


def test_the_further_nights_that_would_decide_do_decide() -> None:
    baseline = make_nights(20, night_sd=0.01, launch_sd=0.005)
    level = sum(map(sum, baseline)) / 60 - 0.005
    decision = decide_nights(baseline, [[level] * 3], 0.02, larger_is_better=True)
    assert decision.outcome == "inconclusive"
    more = decision.more
    assert more is not None
    assert (more.of, more.a_night, more.launches) == ("candidate", 3, 3 * more.nights)
    # The same mean and spread on as many further nights; their own spread is that of the baseline.
    sd = math.sqrt(decision.spread.night_means)
    pattern = [sd, -sd] * (more.nights + 1)
    nights = [[level + pattern[index]] * 3 for index in range(more.nights + 1)]
    shift = sum(night[0] for night in nights) / len(nights) - level
    nights = [[value - shift for value in night] for night in nights]
    assert decide(baseline, nights) == "no_worse"


def test_a_wandering_baseline_counts_as_noise() -> None:
    rng = random.Random(3)
    level, nights = 0.0, []
    for _ in range(20):
        level += rng.gauss(0.0, 0.01)
        nights.append([level, level + 0.001])
    assert find_spread(nights, [[0.0]]).drift > 0.0
    assert find_spread(make_nights(5, night_sd=0.01, launch_sd=0.01), [[0.0]]).drift == 0.0


def test_a_latency_rises() -> None:
    baseline = [
        [math.log(20.0) + level for level in night] for night in make_nights(10, night_sd=0.003, launch_sd=0.003)
    ]
    slow = decide_nights(baseline, [[math.log(22.0)] * 3], 0.05, larger_is_better=False)
    assert slow.outcome == "worse"
    assert slow.harm == pytest.approx(0.10, abs=0.005)
    assert decide_nights(baseline, [[math.log(18.0)] * 3], 0.05, larger_is_better=False).outcome == "better"


def test_worse_is_held_to_the_number_of_figures() -> None:
    baseline = make_nights(6, night_sd=0.005, launch_sd=0.002)
    outcomes = [
        decide_nights(baseline, [[-0.036] * 3], 0.02, larger_is_better=True, figures=figures).outcome
        for figures in (1, 20)
    ]
    assert outcomes == ["worse", "inconclusive"]


def test_empty_sides_and_nights_are_refused() -> None:
    for baseline, candidate in (([], [[0.0]]), ([[0.0]], []), ([[]], [[0.0]])):
        with pytest.raises(ValueError, match="at least one night"):
            decide_nights(baseline, candidate, 0.02, larger_is_better=True)


def test_a_loss_of_a_little_every_night_is_drift() -> None:
    creeping = [[-0.003 * night + offset for offset in (-0.002, 0.0, 0.002)] for night in range(30)]
    drift = find_drift(creeping, 0.02, larger_is_better=True)
    assert drift is not None
    assert (drift.outcome, drift.ends) == ("worse", 10)
    assert drift.harm == pytest.approx(0.0582, abs=1e-3)
    assert decide(creeping[-21:-1], creeping[-1:]) != "worse"


def test_a_steady_baseline_has_no_drift_and_few_nights_show_none() -> None:
    steady = make_nights(30, night_sd=0.005, launch_sd=0.005)
    drift = find_drift(steady, 0.02, larger_is_better=True)
    assert drift is not None
    assert drift.outcome == "steady"
    assert find_drift(steady[:5], 0.02, larger_is_better=True) is None
    rising = [[0.01 * night, 0.01 * night + 0.001] for night in range(12)]
    improved = find_drift(rising, 0.02, larger_is_better=True)
    assert improved is not None
    assert improved.outcome == "better"
