"""What a gain is over, in one sentence, from records of real launches."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from bankable.tools.evidence.folder import finished_legs
from bankable.tools.evidence.records import LegRecord, Side
from bankable.tools.evidence.reference import describe_reference

RECORDED = Path(__file__).resolve().parents[3] / "evals" / "recorded" / "cpu-search.tar.xz"


@pytest.fixture(scope="module")
def legs(tmp_path_factory: pytest.TempPathFactory) -> list[LegRecord]:
    place = tmp_path_factory.mktemp("recorded")
    with tarfile.open(RECORDED) as archive:
        archive.extractall(place, filter="data")
    return finished_legs(place)


def test_a_fallback_and_a_lowered_setting_are_named(legs: list[LegRecord]) -> None:
    assert describe_reference(legs) == (
        "sglang 0.5.23 on CPU without its kernel package: torch-native operators, 1 thread, max_running_requests=3"
    )


def test_an_engine_with_its_kernel_package_is_not_told_to_lack_it(legs: list[LegRecord]) -> None:
    leg = next(leg for leg in legs if leg.side is Side.REFERENCE)
    config = leg.config.model_copy(update={"flags": {"attention_backend": "intel_amx"}})
    env = {"OMP_NUM_THREADS": "2"}
    whole = leg.model_copy(update={"env": env, "config": config})
    assert describe_reference([whole]) == "sglang 0.5.23 on CPU: attention backend intel_amx, 2 threads"


def test_only_a_complete_launch_of_the_reference_counts(legs: list[LegRecord]) -> None:
    candidates = [leg for leg in legs if leg.side is Side.CANDIDATE]
    failed = [leg.model_copy(update={"status": "failed"}) for leg in legs]
    assert describe_reference(candidates) == describe_reference(failed) == describe_reference([]) == ""
