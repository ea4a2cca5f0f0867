"""Looks happen where they were declared and nowhere else."""

from __future__ import annotations

import pytest

from bankable.tools.statistics.sequential import LOOK_ALPHA, LOOKS, PeekError, check_looks, look, next_look

WIN = [0.030, 0.028, 0.031, 0.030, 0.029]
NOISE = [0.06, -0.04, 0.05, -0.02, 0.05, 0.01, -0.03, 0.06, 0.00, 0.02]


def test_a_clear_win_stops_at_the_first_look() -> None:
    result = look(WIN)
    assert (result.stop, result.final, result.decision.verdict, result.decision.n) == (True, False, "real", 5)


def test_a_clear_loss_stops_at_the_first_look() -> None:
    result = look([-d for d in WIN])
    assert (result.stop, result.decision.verdict) == (True, "not_real")


def test_noise_goes_on_until_the_last_look_which_is_final() -> None:
    first, middle, last = (look(NOISE[:n]) for n in LOOKS)
    assert (first.stop, middle.stop, last.stop) == (False, False, True)
    assert (last.final, last.decision.verdict) == (True, "undecided")


@pytest.mark.parametrize("n", [1, 4, 6, 8, 9])
def test_peeking_is_refused(n: int) -> None:
    with pytest.raises(PeekError, match=f"{n} blocks"):
        look(NOISE[:n])


def test_going_on_past_the_last_look_is_refused() -> None:
    with pytest.raises(PeekError):
        look([*NOISE, 0.01])


def test_a_look_tests_at_its_own_level() -> None:
    # The lower bound lies above the floor at 5 % and below it at 2.4 %.
    differences = [0.010, 0.030, 0.018, 0.024, 0.036]
    assert look(differences, alpha=0.05).decision.verdict == "real"
    assert look(differences, alpha=0.01).decision.verdict == "undecided"
    assert LOOK_ALPHA == 0.024


def test_the_next_look_is_the_next_declared_count() -> None:
    assert [next_look(n, LOOKS) for n in (0, 5, 6, 9, 10)] == [5, 7, 7, 10, None]


@pytest.mark.parametrize("looks", [(), (0, 5), (5, 5), (7, 5)])
def test_looks_must_ascend(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="ascending"):
        check_looks(looks)
