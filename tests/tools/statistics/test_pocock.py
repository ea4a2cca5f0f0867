"""The level of each look keeps the level of all, shown by simulating what is really done: Student's t at each look."""

from __future__ import annotations

import numpy as np
import pytest

from bankable.tools.statistics.pocock import nominal_alpha, overall_alpha
from bankable.tools.statistics.simulate import looked_wins


@pytest.mark.parametrize(
    ("looks", "least"),
    [((5, 7, 10), 0.047), ((6, 10), 0.042), ((6, 8, 10, 12), 0.042), ((3, 5), 0.037), ((10, 20), 0.042)],
)
def test_all_looks_together_hold_five_percent(looks: tuple[int, ...], least: float) -> None:
    null = np.random.default_rng(1).standard_normal((200_000, looks[-1]))
    rate = looked_wins(null, looks, nominal_alpha(looks), 0.0, sign_flip=False).mean()
    # Two standard errors of the simulation are 0.1 %.
    assert least < rate < 0.051


def test_the_declared_looks_have_their_declared_level() -> None:
    assert nominal_alpha((5, 7, 10)) == 0.024
    assert nominal_alpha((6,)) == 0.05


def test_normal_theory_gives_pococks_published_constant() -> None:
    # Equally spaced looks, one-sided 2.5 %: Pocock 1977, table 1 gives 0.0294/2, 0.0221/2 and 0.0182/2.
    for looks, level in (((1, 2), 0.0147), ((1, 2, 3), 0.01105), ((1, 2, 3, 4), 0.0091)):
        assert overall_alpha(looks, level) == pytest.approx(0.025, abs=2e-4)


def test_one_look_has_its_own_level() -> None:
    assert overall_alpha((7,), 0.03) == pytest.approx(0.03, abs=1e-9)


def test_more_looks_leave_less_for_each() -> None:
    levels = [nominal_alpha(tuple(range(6, last))) for last in (7, 8, 9, 11)]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] < levels[0]
