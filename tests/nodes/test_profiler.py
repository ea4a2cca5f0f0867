"""The traced round covers the life of a request."""

from __future__ import annotations

import pytest

from bankable.nodes.profiler import MOST_STEPS, ROUND_SIZE, _shape_trace_load, _steps, profile_name
from bankable.tools.evidence.records import Workload


@pytest.mark.parametrize(("concurrency", "prompts", "traced"), [(12, 20, 12 * ROUND_SIZE), (2, 50, 50)])
def test_the_traced_round_is_long_enough_for_its_concurrency(concurrency: int, prompts: int, traced: int) -> None:
    assert _shape_trace_load(Workload(concurrency=concurrency, num_prompts=prompts)).num_prompts == traced


@pytest.mark.parametrize(("output_len", "steps"), [(16, 20), (10_000, MOST_STEPS)])
def test_the_trace_covers_one_answer_and_is_bounded(output_len: int, steps: int) -> None:
    assert _steps(Workload(output_len=output_len)) == steps


def test_a_second_profile_has_a_folder_of_its_own() -> None:
    assert [profile_name(attempt) for attempt in (1, 2)] == ["profile", "profile-2"]
