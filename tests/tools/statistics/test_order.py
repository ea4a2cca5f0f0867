"""Order statistics without sorting are those of the sorted list, bit for bit."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.statistics import order
from tools.statistics.order import FEW, nonnegative, order_statistics, packed

COUNT = 3 * FEW
SHAPES: dict[str, Callable[[random.Random], float]] = {
    "gaps of a server": lambda rng: abs(rng.gauss(0.012, 0.002)),
    "hardly any spread": lambda rng: 0.012 + 1e-9 * rng.random(),
    "bursts and pauses": lambda rng: 1e-5 * rng.random() if rng.random() < 0.9 else rng.uniform(0.05, 5.0),
    "a coarse clock": lambda rng: rng.choice([0.010, 0.011, 0.012]),
    "mostly nothing": lambda rng: 0.0 if rng.random() < 0.8 else rng.random(),
    "all magnitudes": lambda rng: 10.0 ** rng.uniform(-300, 300),
    "all equal": lambda rng: 0.5,
    "both signs": lambda rng: rng.gauss(0, 1),
}


def _bits(value: float) -> bytes:
    return struct.pack("d", value)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [FEW, FEW + 1, COUNT])
def test_places_are_those_of_the_sorted_list(shape: str, count: int) -> None:
    rng = random.Random(count)
    values = [SHAPES[shape](rng) for _ in range(count)]
    ranks = [0, 1, count // 4, (count - 1) // 2, count // 2, int(0.99 * count), count - 2, count - 1]
    ordered, found = sorted(values), order_statistics(packed(values), ranks)
    assert [_bits(found[rank]) for rank in ranks] == [_bits(ordered[rank]) for rank in ranks]


def test_values_in_the_worst_order_for_the_sample_are_found_all_the_same() -> None:
    """The sample takes every k-th value: let those be the largest."""
    step = max(1, int(COUNT ** (1 / 3) / 2)) | 1
    values = [10.0 + index if index % step == 0 else 0.001 * index for index in range(COUNT)]
    ordered, ranks = sorted(values), (COUNT // 2, int(0.99 * COUNT))
    assert order_statistics(packed(values), ranks) == {rank: ordered[rank] for rank in ranks}


def test_a_round_is_not_sorted_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    longest = 0

    def spy(values: list[float]) -> list[float]:
        nonlocal longest
        longest = max(longest, len(values))
        return sorted(values)

    rng = random.Random(1)
    doubles = packed([abs(rng.gauss(0.012, 0.002)) for _ in range(20 * FEW)])
    monkeypatch.setattr(order, "sorted", spy, raising=False)
    order_statistics(doubles, (10 * FEW, 10 * FEW + 1))
    assert 0 < longest < 2 * FEW + FEW


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0.0, 1e300), min_size=1, max_size=40),
    st.integers(1, 2**32),
    st.floats(0.0, 1.0, exclude_max=True),
)
def test_any_few_values_repeated_and_shuffled(few: list[float], seed: int, share: float) -> None:
    rng = random.Random(seed)
    values = [rng.choice(few) * (1 + 1e-12 * rng.random()) for _ in range(FEW + 100)]
    rank = int(share * len(values))
    assert order_statistics(packed(values), [rank])[rank] == sorted(values)[rank]


def test_a_sign_is_seen() -> None:
    assert nonnegative(packed([0.0, 1.0, 1e308]))
    assert not nonnegative(packed([1.0, -1e-300]))
    assert nonnegative(b"")
