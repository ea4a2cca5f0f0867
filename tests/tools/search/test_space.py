"""The grid: what counts as the same configuration, and where its dead corners are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.levers import Situation, knobs_for, server_arguments
from bankable.tools.search.space import Dimension, SearchSpace, space_from_knobs

SPACE = SearchSpace(
    (
        Dimension("disable_radix_cache", (None, True)),
        Dimension("radix_eviction_policy", ("lru", "lfu"), condition={"disable_radix_cache": (None, False)}),
        Dimension("OMP_NUM_THREADS", ("1", "2"), env=True),
    )
)


def test_a_knob_without_meaning_falls_back_to_the_reference() -> None:
    assert SPACE.normal((1, 1, 0)) == (1, 0, 0)
    assert SPACE.normal((0, 1, 0)) == (0, 1, 0)
    assert len(list(SPACE.points())) == 2 * 3 - 1


def test_conditions_look_at_the_fixed_flags() -> None:
    dims = (Dimension("splits", (8, 16), condition={"attention_backend": ("triton",)}),)
    assert list(SearchSpace(dims).points()) == []
    assert list(SearchSpace(dims, {"attention_backend": "triton"}).points()) == [(1,)]


def test_settings_hold_only_what_differs() -> None:
    assert SPACE.settings((1, 0, 1)) == ({"disable_radix_cache": True}, {"OMP_NUM_THREADS": "2"})
    assert SPACE.settings((0, 0, 0)) == ({}, {})


@given(st.integers(0, 1), st.integers(0, 1), st.integers(0, 1))
def test_locate_undoes_settings(a: int, b: int, c: int) -> None:
    assert SPACE.locate(*SPACE.settings((a, b, c))) == (a, b, c)


def test_foreign_settings_are_not_located() -> None:
    assert SPACE.locate({"dtype": "float32"}, {}) is None
    assert SPACE.locate({"radix_eviction_policy": "slru"}, {}) is None
    assert SPACE.locate({"OMP_NUM_THREADS": "2"}, {}) is None, "a flag is not a variable"


@pytest.mark.parametrize("values", [(1,), (1, 1)])
def test_a_dimension_needs_a_choice(values: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="two or more distinct"):
        Dimension("k", values)


def test_knobs_become_dimensions_around_the_reference() -> None:
    knobs, _ = knobs_for("cpu", server_arguments(), Situation())
    shares = {"stream_interval": 0.4, "log_level": 0.1}
    space = space_from_knobs(knobs, Situation(), {"stream_interval": 8}, shares)
    by_name = {d.name: d for d in space.dimensions}
    assert by_name["stream_interval"].values == (8, 16, 4, 32)
    assert by_name["stream_interval"].importance == pytest.approx(3 * 0.4)
    assert by_name["log_level"].importance == pytest.approx(0.3 * 0.1)
    assert by_name["schedule_policy"].importance == 0.0
    assert by_name["OMP_NUM_THREADS"].env
    assert by_name["OMP_NUM_THREADS"].values == ("1", "2")
