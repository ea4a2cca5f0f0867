"""A copied list is alike whatever pattern all lists share, and independent noise is not."""

from __future__ import annotations

import math
import random

from bankable.nodes.auditor.invariants.correlation import correlate, residual_profiles


def noisy(seed: int, count: int = 200) -> list[float]:
    """A pattern that every list has, with noise of its own."""
    rng = random.Random(seed)
    return [(4.0 if index % 16 == 0 else 1.0) * math.exp(rng.gauss(0, 0.05)) for index in range(count)]


def test_a_scaled_copy_is_found_among_lists_of_one_pattern() -> None:
    lists = [noisy(seed) for seed in range(8)]
    lists.append([1.3 * value for value in lists[2]])
    profiles = [profile or () for profile in residual_profiles(lists, ["side"] * 9)]
    likeness = [correlate(profile, profiles[8]) for profile in profiles[:8]]
    assert likeness[2] > 0.98
    assert max(value for index, value in enumerate(likeness) if index != 2) < 0.5


def test_short_constant_and_few_lists_have_no_profile() -> None:
    assert residual_profiles([[1.0] * 100] * 8, [0] * 8) == [None] * 8
    assert residual_profiles([noisy(seed, 20) for seed in range(8)], [0] * 8) == [None] * 8
    assert residual_profiles([noisy(seed) for seed in range(3)], [0] * 3) == [None] * 3
    assert residual_profiles([noisy(seed) for seed in range(8)], list(range(8))) == [None] * 8
