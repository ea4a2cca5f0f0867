"""Which proposals of settings a search has a place for."""

from __future__ import annotations

from typing import Any

import pytest

from bankable.nodes.advice.configuration import ConfigurationProposal, count_reasons, sift
from tests.tools.search.test_policy import SPACE


def answer(*pairs: tuple[str, Any], because: str = "a guess", gain: float = 0.1) -> ConfigurationProposal:
    return ConfigurationProposal.model_validate(
        {"proposals": [{"name": n, "value": v, "because": because, "expected_gain": gain} for n, v in pairs]}
    )


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("stream_interval", 8, 8),
        ("--stream-interval", "8", 8),
        ("stream_interval", 8.0, 8),
        ("disable_overlap_schedule", "true", True),
        ("OMP_NUM_THREADS", 2, "2"),
    ],
)
def test_the_knobs_own_value_is_taken(name: str, value: Any, meant: Any) -> None:
    (found,), dropped = sift(answer((name, value)), SPACE)
    assert (found.value, type(found.value), found.env) == (meant, type(meant), name == "OMP_NUM_THREADS")
    assert dropped == []


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("go_faster", True, "not a setting of this search"),
        ("stream_interval", 9, "not one of its values"),
        ("stream_interval", 1, "not one of its values"),  # the reference's
        ("stream_interval", True, "not one of its values"),
        ("stream_interval", 1e308, "not one of its values"),
        ("dtype", "float32; rm -rf", "not one of its values"),
    ],
)
def test_anything_else_is_dropped_with_the_reason(name: str, value: Any, why: str) -> None:
    admitted, (dropped,) = sift(answer((name, value)), SPACE)
    assert (admitted, dropped.why) == ([], why)


def test_more_than_three_are_not_looked_at() -> None:
    admitted, dropped = sift(answer(*[("stream_interval", 9)] * 3, ("stream_interval", 8)), SPACE)
    assert admitted == []
    assert count_reasons(dropped) == "1 more than 3 proposals, 3 not one of its values"


def test_a_models_words_are_kept_short_and_printable() -> None:
    (found,), _ = sift(answer(("stream_interval", 8), because="\x1b[2J\u202e line\n" * 500, gain=float("inf")), SPACE)
    assert len(found.because) == 200
    assert found.because.isprintable()
    assert found.expected_gain is None
