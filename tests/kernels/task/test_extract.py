"""Which captured shapes are benched, and which are held out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bankable.kernels.operators import FAMILIES
from bankable.kernels.task.extract import COVER, FEWEST_COVER, MOST, MOST_AT_ALL, select_held_out, select_shapes
from bankable.tools.overlay.captured import Captured, CapturedShape


def shape(rows: int, calls: int, phase: str = "decode", sampled: bool = True) -> CapturedShape:
    return CapturedShape(
        dims=(rows, 256),
        sizes=((rows, 256), (256,)),
        strides=((256, 1), (1,)),
        dtypes=("bfloat16", "bfloat16"),
        calls={phase: calls},
        sampled=sampled,
    )


def captured(*shapes: CapturedShape, other: int = 0) -> Captured:
    return Captured(
        operator="rms_norm",
        mode="capture",
        module="a" * 64,
        live_path="/x/sglang/srt/layers/layernorm.py",
        other_calls=other,
        uncovered_calls=3,
        shapes=shapes,
    )


def keys(*shapes: CapturedShape, other: int = 0) -> list[str]:
    return [entry.key for entry in select_shapes(captured(*shapes, other=other))]


def test_the_shapes_with_the_most_calls_until_they_hold_nearly_all() -> None:
    assert keys(shape(4, 10), shape(12, 900), shape(8, 90)) == ["12x256", "8x256"]


def test_a_phase_with_more_than_a_twentieth_of_the_calls_is_there() -> None:
    decode = [shape(12, 970)]
    assert keys(*decode, shape(1408, 20, "prefill")) == ["12x256"]
    assert keys(shape(12, 990), shape(11, 990), shape(1408, 40, "prefill"), shape(128, 80, "prefill"))[-1] == "128x256"


def test_what_was_not_sampled_cannot_be_benched() -> None:
    assert keys(shape(12, 900, sampled=False), shape(8, 100)) == ["8x256"]


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=60), st.integers(0, 100))
def test_no_more_than_a_few_and_as_many_calls_as_these_can_hold(calls: list[int], other: int) -> None:
    seen = captured(*(shape(rows, count) for rows, count in enumerate(calls, 1)), other=other)
    chosen = select_shapes(seen)
    assert 1 <= len(chosen) <= MOST_AT_ALL
    held = sum(entry.total for entry in chosen)
    assert len(chosen) <= MOST or held - chosen[-1].total < FEWEST_COVER * seen.calls, "no more than are needed"
    best = sum(sorted(calls, reverse=True)[: len(chosen)])
    assert held == best
    enough = FEWEST_COVER if len(chosen) >= MOST else COVER
    assert held >= enough * seen.calls or len(chosen) in (MOST_AT_ALL, len(calls))


def test_rows_that_differ_from_call_to_call_are_benched_until_they_hold_enough() -> None:
    alike = [shape(100 + 128 * n, 10, "prefill") for n in range(14)]
    assert len(keys(*alike)) == 13, "12 of them hold 86 %"


def test_held_out_shapes_are_near_the_served_ones_and_none_of_them() -> None:
    shapes = [shape(12, 900), shape(13, 50), shape(1408, 50, "prefill")]
    found = list(select_held_out(FAMILIES["rms_norm"], shapes))
    assert [(entry.key, entry.phase, entry.calls, entry.held_out) for entry in found] == [
        ("14x256", "decode", 0, True),
        ("1409x256", "prefill", 0, True),
    ]
    assert [item.key for item in select_held_out(FAMILIES["rms_norm"], shapes[:1])] == ["13x256"]


def test_shapes_that_somebody_adds_come_last_and_decide_nothing_else() -> None:
    seen = captured(shape(12, 990), shape(8, 5), shape(13, 5), shape(9, 1, sampled=False))
    assert [entry.key for entry in select_shapes(seen)] == ["12x256"]
    more = select_shapes(seen, ("13x256", "9x256", "12x256", "7x7"))
    assert [item.key for item in more] == ["12x256", "13x256"]
    (held,) = select_held_out(FAMILIES["rms_norm"], select_shapes(seen), [element.dims for element in more])
    assert held.key == "14x256"  # 13x256 is benched now
