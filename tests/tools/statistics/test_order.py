"""Order statistics without sorting are those of the sorted list, bit for bit."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.tools.statistics import order
from bankable.tools.statistics.order import FEW, nonnegative, order_statistics, pack

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
    ordered, found = sorted(values), order_statistics(pack(values), ranks)
    assert [_bits(found[rank]) for rank in ranks] == [_bits(ordered[rank]) for rank in ranks]


def test_without_numpy_the_places_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(1)
    doubles = pack([abs(rng.gauss(0.012, 0.002)) for _ in range(COUNT)])
    ranks = (0, COUNT // 2, int(0.99 * COUNT))
    found = order_statistics(doubles, ranks)
    monkeypatch.setattr(order, "find_spec", lambda _: None)
    monkeypatch.setattr(order, "_partition", None)
    assert order_statistics(doubles, ranks) == found


@pytest.mark.parametrize(("count", "loaded"), [(FEW, False), (FEW + 1, True)])
def test_numpy_is_loaded_for_large_rounds_only(count: int, loaded: bool) -> None:
    program = (
        "import sys; from bankable.tools.statistics.order import order_statistics\n"
        f"order_statistics(bytes(8 * {count}), [0]); print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == str(loaded)


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
    assert order_statistics(pack(values), [rank])[rank] == sorted(values)[rank]


def test_a_sign_is_seen() -> None:
    assert nonnegative(pack([0.0, 1.0, 1e308]))
    assert not nonnegative(pack([1.0, -1e-300]))
    assert nonnegative(b"")
