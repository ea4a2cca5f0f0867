"""Groups of operators: their names, their lever, and what becomes of one that is not proven."""

from __future__ import annotations

import math

import pytest

from bankable.nodes.integrator import group_ceiling, group_lever, halves, patch_name
from bankable.tools.evidence.records import Lever, OverlayPart


def replaced(operator: str) -> Lever:
    part = OverlayPart(
        implementation=f"cpp-{operator}", digest="a" * 64, source_digest="b" * 64, parameters={}, bench=1
    )
    return Lever(overlays={operator: part})


def test_a_confirmation_is_named_after_its_operators_in_one_order() -> None:
    assert patch_name(["rms_norm"]) == "patch-rms_norm"
    assert patch_name(["rms_norm", "linear"]) == patch_name(["linear", "rms_norm"]) == "patch-linear+rms_norm"
    assert patch_name(["rms_norm", "linear"], 2) == "patch-linear+rms_norm-2"


def test_the_group_is_one_lever_with_every_operator_of_it() -> None:
    lever = group_lever([replaced("rms_norm"), replaced("linear")])
    assert lever.names() == ["linear", "rms_norm"]
    assert lever.overlays["linear"].implementation == "cpp-linear"


def test_a_group_is_halved_with_the_more_promising_ones_first_until_one_is_left() -> None:
    assert halves(["a", "b", "c"]) == [["a", "b"], ["c"]]
    assert halves(["a", "b"]) == [["a"], ["b"]]
    assert halves(["a"]) == []


def test_what_a_group_may_give_is_the_time_that_its_operators_save_together() -> None:
    assert group_ceiling([0.25]) == pytest.approx(0.25)
    assert group_ceiling([1.0, 0.25]) == pytest.approx(1.0 / (1.0 - 0.5 - 0.2) - 1.0)
    assert group_ceiling([1.0, 1.0]) == math.inf
