"""Shapes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.kernels.operators import FAMILIES, ragged
from bankable.kernels.operators.family import shape_key
from bankable.kernels.task.shapes import parse_shapes
from bankable.tools.errors import UserError

NORM = FAMILIES["rms_norm"]
ATTENTION = FAMILIES["decode_attention"]


def test_served_and_held_out_shapes_with_calls_and_phase():
    shapes = parse_shapes(NORM, "4x256:9000, 128x256", "5x256")
    assert [(shape.key, shape.calls, shape.phase, shape.held_out) for shape in shapes] == [
        ("4x256", 9000, "decode", False),
        ("128x256", 1, "prefill", False),
        ("5x256", 0, "decode", True),
    ]


@pytest.mark.parametrize(
    "served", ["", "4", "4x0", "4x-1", "4xa", "4x256x2", "4x256:0", "4x256:x", "4x256,4x256", "99999999x99999999"]
)
def test_anything_else_is_one_line(served):
    with pytest.raises(UserError) as caught:
        parse_shapes(NORM, served, "")
    assert "\n" not in str(caught.value)


def test_a_head_that_cannot_be_halved_is_refused():
    with pytest.raises(UserError, match="even heads"):
        parse_shapes(FAMILIES["rotary"], "4x4x2x63", "")


@pytest.mark.parametrize(
    ("served", "said"),
    [
        ("4x6x4x64x9", "a multiple of kv_heads"),
        ("4x4x2x64", "needs other axes"),
        ("9999x8x8x128x9999", "fewer than 2³¹ elements"),
        ("2147483647x1x1x1x1", "fewer than 2³¹ elements"),
    ],
)
def test_a_cache_that_cannot_be_made_is_refused(served, said):
    with pytest.raises(UserError, match=said):
        parse_shapes(ATTENTION, served, "")


def test_attention_of_many_requests_is_decode_all_the_same():
    shapes = parse_shapes(ATTENTION, "4x4x2x64x144:9,128x4x2x64x144", "5x4x2x64x300")
    assert [(shape.key, shape.phase) for shape in shapes] == [
        ("4x4x2x64x144", "decode"),
        ("128x4x2x64x144", "decode"),
        ("5x4x2x64x300", "decode"),
    ]


@given(st.integers(1, 100), st.integers(1, 5000))
def test_work_of_a_ragged_batch_is_that_of_its_lengths(requests, longest):
    lengths = [ragged.length(request, longest) for request in range(requests)]
    assert ragged.total(requests, longest) == sum(lengths)
    assert max(lengths) == longest
    assert min(lengths) > longest / 2
    assert len(set(lengths)) == (min(requests, 8) if longest >= 16 else 1)


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
    # Queries and outputs, keys and values of the tokens that are there, their slots; four requests of unequal length.
    tokens = 144 + 108 + 126 + 90
    numbers = 4 * tokens + 8 * 4 + 8 * 4
    assert ATTENTION.bytes_moved((4, 4, 2, 64, 144), "bfloat16") == 2 * 2 * (4 * 256 + tokens * 128) + numbers
    assert ATTENTION.flops((4, 4, 2, 64, 144)) == 4 * 256 * tokens
