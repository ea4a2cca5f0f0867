"""Three outcomes against a margin, and the launches that would decide."""

from __future__ import annotations

import random

import pytest

from bankable.tools.statistics.no_worse import decide_no_worse, find_change


def _launches(level: float, spread: float, n: int) -> list[list[float]]:
    """n launches of one round, evenly spread around a level."""
    return [[level * (1.0 + spread * (2.0 * index / (n - 1) - 1.0))] for index in range(n)]


@pytest.mark.parametrize(
    ("level", "outcome"), [(100.0, "no_worse"), (99.5, "no_worse"), (95.0, "worse"), (98.2, "undecided")]
)
def test_a_rate_against_a_margin_of_two_per_cent(level: float, outcome: str) -> None:
    change = find_change(_launches(100.0, 0.01, 5), _launches(level, 0.01, 5))
    assert change is not None
    decision = decide_no_worse(change, 0.02, larger_is_better=True)
    assert decision.outcome == outcome
    assert decision.harm == pytest.approx(1.0 - level / 100.0, abs=1e-3)
    assert decision.lower < decision.harm < decision.upper


@pytest.mark.parametrize(("level", "outcome"), [(50.0, "no_worse"), (72.5, "worse"), (52.4, "undecided")])
def test_a_latency_against_a_margin_of_five_per_cent(level: float, outcome: str) -> None:
    change = find_change(_launches(50.0, 0.02, 5), _launches(level, 0.02, 5))
    assert change is not None
    assert decide_no_worse(change, 0.05, larger_is_better=False).outcome == outcome


def test_the_launches_that_would_decide_do_decide() -> None:
    change = find_change(_launches(100.0, 0.03, 4), _launches(99.5, 0.03, 4))
    assert change is not None
    decision = decide_no_worse(change, 0.02, larger_is_better=True)
    assert decision.outcome == "undecided"
    needed = decision.launches_needed
    assert needed is not None
    assert needed > 4
    assert change.half_width(launches=(needed, needed)) < 0.0202 - 0.005 < change.half_width()


def test_one_launch_a_side_decides_nothing() -> None:
    change = find_change([[100.0, 100.1]], [[100.0, 99.9]])
    assert change is not None
    decision = decide_no_worse(change, 0.02, larger_is_better=True)
    assert decision.outcome == "undecided"
    assert decision.launches_needed == 7


def test_a_launch_without_a_figure_has_no_change() -> None:
    assert find_change([[100.0], []], [[100.0]]) is None
    assert find_change([[100.0]], [[0.0]]) is None


def test_harm_at_the_margin_is_called_no_worse_at_most_at_the_level() -> None:
    rng, mistakes, trials = random.Random(5), 0, 500
    for _ in range(trials):
        sides = [[[100.0 * level * (1.0 + rng.gauss(0.0, 0.02))] for _ in range(4)] for level in (1.0, 0.98)]
        change = find_change(*sides)
        assert change is not None
        mistakes += decide_no_worse(change, 0.02, larger_is_better=True).outcome == "no_worse"
    assert mistakes / trials <= 0.05 + 3 * (0.05 * 0.95 / trials) ** 0.5
