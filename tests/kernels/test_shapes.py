"""Shapes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.families import FAMILIES
from kernels.family import shape_key
from kernels.shapes import parse_shapes
from tools.errors import UserError

NORM = FAMILIES["rms_norm"]


def test_served_and_held_out_shapes_with_calls_and_phase():
    shapes = parse_shapes(NORM, "4x256:9000, 128x256", "5x256")
    assert [(it.key, it.calls, it.phase, it.held_out) for it in shapes] == [
        ("4x256", 9000, "decode", False), ("128x256", 1, "prefill", False), ("5x256", 0, "decode", True),
    ]  # fmt: skip


@pytest.mark.parametrize("served", ["", "4", "4x0", "4x-1", "4xa", "4x256x2", "4x256:0", "4x256:x", "4x256,4x256",
                                    "99999999x99999999"])  # fmt: skip
def test_anything_else_is_one_line(served):
    with pytest.raises(UserError) as caught:
        parse_shapes(NORM, served, "")
    assert "\n" not in str(caught.value)


def test_a_head_that_cannot_be_halved_is_refused():
    with pytest.raises(UserError, match="even heads"):
        parse_shapes(FAMILIES["rotary"], "4x4x2x63", "")


@given(st.lists(st.integers(1, 5000), min_size=2, max_size=2), st.integers(1, 10**6))
def test_a_key_reads_back_as_its_shape(dims, calls):
    (shape,) = parse_shapes(NORM, f"{shape_key(tuple(dims))}:{calls}", "")
    assert (shape.dims, shape.calls) == (tuple(dims), calls)


def test_work_per_call_is_the_operators_own():
    assert NORM.bytes_moved((4, 256), "bfloat16") == 2 * (4 * 256 * 2 + 256)
    assert NORM.bytes_moved((4, 256), "float32") == 2 * NORM.bytes_moved((4, 256), "bfloat16")
    assert FAMILIES["silu_and_mul"].bytes_moved((4, 768), "bfloat16") == 2 * 3 * 4 * 768
    # Positions, queries and keys in and out, and the rows of the table that are looked up: not the whole table.
    assert FAMILIES["rotary"].bytes_moved((4, 4, 2, 64), "bfloat16") == 4 * 8 + 2 * (2 * 4 * 6 * 64 + 4 * 64)
    assert FAMILIES["fused_add_rms_norm"].flops((4, 256)) == 5 * 4 * 256
