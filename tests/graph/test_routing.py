"""Every conditional edge of the design's table, with its bound."""

from __future__ import annotations

from typing import Any

import pytest

from bankable.graph import routing
from bankable.graph.state import Accepted, Judged, RunState
from bankable.tools.evidence.records import Lever


def judged(verdict: str, action: str = "remeasure", scope: str = "patch") -> Judged:
    return Judged.model_validate(
        {
            "scope": scope,
            "subject": "x",
            "attempt": 1,
            "verdict": verdict,
            "action": action,
            "rules": ("r",),
            "headline": "",
            "folder": "",
        }
    )


def accepted(name: str, delta: float) -> Accepted:
    return Accepted(name=name, lever=Lever(flags={name: 1}), delta=delta, interval=(0.0, 1.0), headline="", audit="")


def state(**values: Any) -> RunState:
    return RunState(**values)


@pytest.mark.parametrize(
    ("verdict", "action", "attempt", "goes"),
    [
        ("PASS", "pass", 1, "profile"),
        ("SKIPPED", "pass", 1, "profile"),
        ("FLAG", "remeasure", 1, "baseline"),
        ("FLAG", "remeasure", 2, "baseline"),
        ("FLAG", "remeasure", 3, "profile"),
        ("FLAG", "flag", 1, "profile"),
        ("FAIL", "remeasure", 1, "baseline"),
        ("FAIL", "remeasure", 3, "reporter"),
        ("FAIL", "eject", 1, "reporter"),
    ],
)
def test_after_the_audit_of_a_baseline(verdict: str, action: str, attempt: int, goes: str) -> None:
    assert routing.after_audit_baseline(state(judged=judged(verdict, action), baseline_attempt=attempt)) == goes


@pytest.mark.parametrize(
    ("verdict", "attempt", "read_only", "goes"),
    [
        ("PASS", 1, False, "strategist"),
        ("FLAG", 1, False, "strategist"),
        ("FAIL", 1, False, "profile"),
        ("FAIL", 2, False, "strategist"),
        ("PASS", 1, True, "reporter"),
    ],
)
def test_after_the_audit_of_a_profile(verdict: str, attempt: int, read_only: bool, goes: str) -> None:
    now = state(judged=judged(verdict), profile_attempt=attempt, read_only=read_only)
    assert routing.after_audit_profile(now) == goes


@pytest.mark.parametrize(
    ("verdict", "attempt", "goes"),
    [
        ("PASS", 1, "bank"),
        ("FLAG", 1, "bank"),
        ("SKIPPED", 1, "bank"),
        ("FAIL", 1, "config_tuner"),
        ("FAIL", 2, "config_tuner"),
        ("FAIL", 3, "eject"),
    ],
)
def test_after_the_audit_of_a_patch(verdict: str, attempt: int, goes: str) -> None:
    assert routing.after_audit_patch(state(judged=judged(verdict), patch_attempt=attempt, track="config")) == goes


@pytest.mark.parametrize(
    ("verdict", "action", "attempt", "goes"),
    [
        ("PASS", "pass", 1, "bank"),
        ("FLAG", "flag", 1, "bank"),
        ("FAIL", "remeasure", 1, "integrator"),
        ("FAIL", "redo", 2, "integrator"),
        ("FAIL", "eject", 1, "integrator"),
        ("FAIL", "remeasure", 3, "eject"),
    ],
)
def test_a_kernel_that_was_returned_goes_to_its_integrator_within_the_bound(
    verdict: str, action: str, attempt: int, goes: str
) -> None:
    now = state(judged=judged(verdict, action), patch_attempt=attempt, track="kernels")
    assert routing.after_audit_patch(now) == goes


def test_after_a_decided_lever_comes_the_next_group_or_the_settings() -> None:
    assert routing.next_lever(state(groups=[["rms_norm"]])) == "integrator"
    assert routing.next_lever(state(groups=[])) == "config_tuner"
    assert routing.next_lever(state()) == "config_tuner"
    assert routing.after_strategist(state(track="kernels")) == "kernel_extractor"
    assert routing.after_strategist(state(track="config")) == "config_tuner"


def test_operators_are_benchmarked_and_searched_before_all_are_confirmed_together() -> None:
    assert routing.after_kernel_extractor(state(operator="rms_norm", searching=False)) == "op_benchmarker"
    assert routing.after_kernel_extractor(state(operator="rms_norm", searching=True)) == "kernel_author"
    assert routing.after_kernel_extractor(state(operator="", groups=[["rms_norm"]])) == "integrator"
    assert routing.after_kernel_extractor(state(operator="", groups=[])) == "config_tuner"
    assert routing.after_op_benchmarker(state(benched=True)) == "audit_harness"
    assert routing.after_op_benchmarker(state(benched=False)) == "kernel_extractor"
    assert routing.after_audit_harness(state(bench_redone=0)) == "shortlist"
    assert routing.after_kernel_author(state(trusted=False)) == "op_benchmarker"
    assert routing.after_kernel_author(state(trusted=True)) == "kernel_extractor"
    assert routing.after_integrator(state(claimed=True)) == "audit_patch"
    assert routing.after_integrator(state(claimed=False, groups=[["rms_norm"]])) == "integrator"
    assert routing.after_integrator(state(claimed=False, groups=[])) == "config_tuner"
    assert routing.after_integrator(state(claimed=True, given_up=True)) == "eject"


@pytest.mark.parametrize(
    ("redone", "goes"), [(1, "op_benchmarker"), (2, "op_benchmarker"), (3, "kernel_extractor"), (4, "kernel_extractor")]
)
def test_a_harness_that_is_not_signed_off_is_built_again_and_then_dropped(redone: int, goes: str) -> None:
    assert routing.after_audit_harness(state(bench_redone=redone)) == goes


@pytest.mark.parametrize(
    ("verdict", "levers", "attempt", "goes"),
    [
        ("PASS", 2, 1, "reporter"),
        ("FLAG", 2, 1, "reporter"),
        ("FAIL", 2, 1, "validator"),
        ("FAIL", 1, 1, "reporter"),
        ("FAIL", 2, 2, "reporter"),
    ],
)
def test_after_the_audit_of_a_bundle(verdict: str, levers: int, attempt: int, goes: str) -> None:
    kept = [accepted(str(number), 0.1) for number in range(levers)]
    assert routing.after_audit_bundle(state(judged=judged(verdict), accepted=kept, bundle_attempt=attempt)) == goes


def test_only_a_claimed_gain_is_audited() -> None:
    assert routing.after_measure_patch(state(claimed=True)) == "audit_patch"
    assert routing.after_measure_patch(state(claimed=False)) == "config_tuner"


def test_the_tuner_confirms_gives_up_or_hands_over() -> None:
    lever = Lever(flags={"a": 1})
    assert routing.after_config_tuner(state(lever=lever, accepted=[])) == "measure_patch"
    assert routing.after_config_tuner(state(lever=lever, given_up=True, accepted=[])) == "eject"
    assert routing.after_config_tuner(state(lever=None, accepted=[accepted("a", 0.1)])) == "validator"
    assert routing.after_config_tuner(state(lever=None, accepted=[])) == "reporter"


def test_an_unproven_bundle_is_tried_once_without_its_weakest_lever() -> None:
    two = [accepted("a", 0.1), accepted("b", 0.2)]
    assert routing.after_validator(state(claimed=True, accepted=two, bundle_attempt=1)) == "audit_bundle"
    assert routing.after_validator(state(claimed=False, accepted=two, bundle_attempt=1)) == "validator"
    assert routing.after_validator(state(claimed=False, accepted=two, bundle_attempt=2)) == "reporter"
    assert routing.after_validator(state(claimed=False, accepted=two[:1], bundle_attempt=1)) == "reporter"
