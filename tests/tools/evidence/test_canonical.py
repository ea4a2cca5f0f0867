"""One byte form for one value."""

from __future__ import annotations

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.evidence.canonical import canonical, round_figure

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=9)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def test_key_order_and_platform_noise_do_not_show() -> None:
    assert canonical({"b": 0.1 + 0.2, "a": 1}) == canonical({"a": 1, "b": 0.3}) == b'{"a":1,"b":0.3}'


def test_negative_zero_is_zero() -> None:
    assert canonical(-0.0) == b"0.0"


def test_nine_digits_are_kept() -> None:
    assert round_figure(123456789.4) == 123456789.0
    assert round_figure(1.00000001) == 1.00000001


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, object()])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="canonical"):
        canonical({"x": value})


@given(VALUES)
def test_canonical_bytes_are_a_fixed_point(value: object) -> None:
    once = canonical(value)
    assert canonical(orjson.loads(once)) == once
