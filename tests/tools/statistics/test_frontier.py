"""A point dominates another one only where blocks prove it, with a correction for all pairs."""

from __future__ import annotations

import math
import random

import pytest

from bankable.tools.statistics.frontier import (
    PairDifference,
    PointLevels,
    chance_of_proof,
    dominance_p,
    estimate,
    find_difference,
    find_dominators,
)

LOOKS = (5, 7, 10)
FLOOR = 0.01


def point(key: str, rate: float, speed: float, blocks: int, sd: float = 0.01, seed: int = 0) -> PointLevels:
    """A point whose launches scatter around these figures by ``sd``."""
    rng = random.Random(f"{key}/{seed}")
    scatter = [(rng.gauss(0, sd), rng.gauss(0, sd)) for _ in range(blocks)]
    return PointLevels(
        key,
        {block: math.log(rate) + scatter[block][0] for block in range(blocks)},
        {block: math.log(speed) + scatter[block][1] for block in range(blocks)},
    )


def test_a_mean_over_launches_has_its_interval() -> None:
    three = estimate({0: math.log(90.0), 1: math.log(100.0), 2: math.log(110.0)})
    assert three.mean == pytest.approx((90.0 * 100.0 * 110.0) ** (1 / 3))
    assert three.interval is not None
    low, high = three.interval
    assert low == pytest.approx(77.5, abs=0.5)
    assert high == pytest.approx(127.7, abs=0.5)
    assert estimate({4: math.log(7.0)}).interval is None


def test_a_point_better_in_both_figures_dominates_from_the_first_look_on() -> None:
    worse, better = point("a@c1", 100, 50, 5), point("b@c1", 140, 70, 5)
    assert find_dominators([worse, better], 2, LOOKS, FLOOR) == {"a@c1": ("b@c1",), "b@c1": ()}
    four = [point("a@c1", 100, 50, 4), point("b@c1", 140, 70, 4)]
    assert find_dominators(four, 2, LOOKS, FLOOR) == {"a@c1": (), "b@c1": ()}, "no declared look was reached"


def test_a_trade_of_throughput_for_interactivity_dominates_nothing() -> None:
    gentle, busy = point("a@c1", 100, 70, 10), point("a@c8", 300, 40, 10)
    assert find_dominators([gentle, busy], 2, LOOKS, FLOOR) == {"a@c1": (), "a@c8": ()}


def test_as_good_in_one_figure_and_better_in_the_other_is_enough() -> None:
    base = PairDifference((0.20, 0.21, 0.19, 0.2, 0.2), (0.0, 0.001, -0.001, 0.0, 0.0005))
    assert dominance_p(base, LOOKS, FLOOR) < 0.001
    harmed = PairDifference(base.throughput, tuple(value - 0.05 for value in base.interactivity))
    assert dominance_p(harmed, LOOKS, FLOOR) == 1.0
    equal = PairDifference(base.interactivity, base.interactivity)
    assert dominance_p(equal, LOOKS, FLOOR) > 0.05


def test_only_blocks_up_to_a_declared_look_count() -> None:
    six = PairDifference((0.1, 0.11, 0.09, 0.1, 0.1, 9.0), (0.1, 0.11, 0.09, 0.1, 0.1, 9.0))
    assert dominance_p(six, LOOKS, FLOOR) == dominance_p(six.first(5), LOOKS, FLOOR)


def test_differences_are_taken_over_common_blocks() -> None:
    one = PointLevels("a@c1", {0: 1.0, 1: 2.0, 3: 4.0}, {0: 1.0, 1: 1.0, 3: 1.0})
    other = PointLevels("b@c1", {1: 0.5, 2: 9.0, 3: 1.0}, {1: 0.0, 2: 0.0, 3: 0.5})
    assert find_difference(one, other) == PairDifference((1.5, 3.0), (1.0, 0.5))


def test_the_correction_counts_planned_pairs_that_were_not_measured() -> None:
    pair = [point("a@c1", 100, 50, 5, sd=0.02), point("b@c1", 112, 56, 5, sd=0.02)]
    assert find_dominators(pair, 2, LOOKS, FLOOR)["a@c1"] == ("b@c1",)
    assert find_dominators(pair, 100_000, LOOKS, FLOOR)["a@c1"] == ()
    with pytest.raises(ValueError, match="family"):
        find_dominators(pair, 1, LOOKS, FLOOR)


def test_equal_points_are_rarely_said_to_dominate() -> None:
    wrong = 0
    for seed in range(400):
        equal = [point(name, 100, 50, 5, sd=0.03, seed=seed) for name in ("a@c1", "b@c1", "c@c1")]
        wrong += any(find_dominators(equal, 6, LOOKS, 0.0).values())
    assert wrong <= 20, "at most 5 % of frontiers with any false dominance"


def test_a_launch_is_worth_most_between_points_that_differ() -> None:
    def chance(gain: float, blocks: int) -> float:
        pair = find_difference(point("b@c1", 100 * (1 + gain), 50 * (1 + gain), 3), point("a@c1", 100, 50, 3))
        return chance_of_proof(pair, blocks, 30, LOOKS, FLOOR)

    assert chance(0.3, 5) > 0.95
    assert chance(0.0, 10) < 0.1
    assert chance(-0.3, 10) < 0.001
    assert chance(0.08, 10) > chance(0.08, 5)
    assert chance(0.3, 4) == 0.0, "no look within four blocks"
