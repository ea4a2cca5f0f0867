"""Workloads that have a name."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Workload
from bankable.tools.workloads import WORKLOADS, find_fitting_scale, find_workload

AS_NAMED = {"input_len": 1024, "output_len": 128, "range_ratio": 0.8, "num_prompts": 120, "concurrency": 12}


def test_a_scaled_workload_says_so_in_its_name_and_its_source() -> None:
    whole, scaled = find_workload("inferencex-8k1k"), find_workload("inferencex-8k1k/8")
    assert (whole.input_len, whole.output_len, whole.range_ratio, whole.prompts_in_flight) == (8192, 1024, 0.8, 10)
    assert (scaled.name, scaled.input_len, scaled.output_len) == ("inferencex-8k1k/8", 1024, 128)
    assert "not comparable with figures at full length" in scaled.describe()
    assert "not comparable" not in whole.describe()
    assert find_workload("inferencex-8k1k/1") == whole


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("inferencex", "invalid value 'inferencex' for --workload"),
        ("inferencex-1k1k/", "invalid value"),
        ("inferencex-1k1k/x", "invalid value"),
        ("inferencex-1k1k/-2", "invalid value"),
        ("inferencex-1k1k/0", "Cannot divide the lengths 1024 and 1024 of inferencex-1k1k by 0"),
        ("inferencex-1k1k/300", "Use inferencex-1k1k/N with N from 1 to 256"),
    ],
)
def test_a_name_that_is_not_known_is_one_line(text: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        find_workload(text)


def test_the_least_scale_that_fits_is_found() -> None:
    fitting = find_fitting_scale("inferencex-8k1k", 4096)
    assert fitting is not None
    assert fitting.name == "inferencex-8k1k/3"
    assert fitting.input_len + fitting.output_len <= 4096
    assert find_fitting_scale("inferencex-8k1k", 8) is None
    assert set(WORKLOADS) == {"inferencex-1k1k", "inferencex-8k1k"}


@pytest.mark.parametrize(
    "other",
    [
        {"input_len": 128},
        {"output_len": 32},
        {"range_ratio": 1.0},
        {"num_prompts": 48},
        {"dataset": "questions"},
        {"name": "inferencex-8k1k"},
        {"name": "mine"},
    ],
)
def test_a_record_that_bears_a_name_it_does_not_follow_is_no_workload(other: dict[str, object]) -> None:
    Workload.model_validate({"name": "inferencex-8k1k/8", **AS_NAMED})
    with pytest.raises(ValidationError):
        Workload.model_validate({"name": "inferencex-8k1k/8", **AS_NAMED, **other})


def test_a_workload_without_a_name_is_written_as_before() -> None:
    assert "name" not in Workload().model_dump(mode="json")
    named = Workload.model_validate({"name": "inferencex-8k1k/8", **AS_NAMED})
    assert named.model_dump(mode="json")["name"] == "inferencex-8k1k/8"
