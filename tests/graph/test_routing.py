"""Every conditional edge of the design's table, with its bound."""

from __future__ import annotations

from itertools import product
from typing import Any, get_args

import pytest

from bankable.graph import routing
from bankable.graph.branch import Branch
from bankable.graph.state import Accepted, AuditVerdict, Judged, RunState
from bankable.tools.evidence.records import Lever

PRODUCERS = {
    "audit_baseline": {"baseline"},
    "audit_profile": {"profile"},
    "audit_harness": {"op_benchmarker"},
    "audit_patch": {"config_tuner", "integrator"},
    "audit_bundle": {"validator"},
}
"""The steps that answer a verdict of each audit."""


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


def after(step: str, **state: Any) -> str:
    """Where the machine goes from ``step`` in this state."""
    (branch,) = [entry for entry in routing.BRANCHES if entry.source == step]
    return branch.target(RunState(**state))


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
    assert after("audit_baseline", judged=judged(verdict, action), baseline_attempt=attempt, control_fits=True) == goes


@pytest.mark.parametrize(
    ("verdict", "only_noise", "goes"),
    [("FLAG", True, "profile"), ("FLAG", False, "profile"), ("FAIL", True, "profile"), ("FAIL", False, "reporter")],
)
def test_controls_end_with_their_share_of_the_budget_and_noise_alone_stops_no_run(
    verdict: str, only_noise: bool, goes: str
) -> None:
    spent = {"judged": judged(verdict), "baseline_attempt": 1, "control_fits": False, "only_noise": only_noise}
    assert after("audit_baseline", **spent) == goes


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
    now = {"judged": judged(verdict), "profile_attempt": attempt, "read_only": read_only}
    assert after("audit_profile", **now) == goes


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
    assert after("audit_patch", judged=judged(verdict), patch_attempt=attempt, track="config") == goes


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
    now = {"judged": judged(verdict, action), "patch_attempt": attempt, "track": "kernels"}
    assert after("audit_patch", **now) == goes


@pytest.mark.parametrize("step", ["bank", "eject"])
def test_after_a_decided_lever_comes_the_next_group_or_the_settings(step: str) -> None:
    assert after(step, groups=[["rms_norm"]]) == "integrator"
    assert after(step, groups=[]) == "config_tuner"
    assert after(step) == "config_tuner"


def test_operators_come_before_settings() -> None:
    assert after("strategist", track="kernels") == "kernel_extractor"
    assert after("strategist", track="config") == "config_tuner"


def test_operators_are_benchmarked_and_searched_before_all_are_confirmed_together() -> None:
    assert after("kernel_extractor", operator="rms_norm", searching=False) == "op_benchmarker"
    assert after("kernel_extractor", operator="rms_norm", searching=True) == "kernel_author"
    assert after("kernel_extractor", operator="", groups=[["rms_norm"]]) == "integrator"
    assert after("kernel_extractor", operator="", groups=[]) == "config_tuner"
    assert after("op_benchmarker", benched=True) == "audit_harness"
    assert after("op_benchmarker", benched=False) == "kernel_extractor"
    assert after("audit_harness", judged=judged("PASS"), bench_redone=0) == "shortlist"
    assert after("audit_harness", judged=judged("SKIPPED"), bench_redone=0) == "shortlist"
    assert after("kernel_author", trusted=False) == "op_benchmarker"
    assert after("kernel_author", trusted=True) == "kernel_extractor"
    assert after("integrator", claimed=True) == "audit_patch"
    assert after("integrator", claimed=False, groups=[["rms_norm"]]) == "integrator"
    assert after("integrator", claimed=False, groups=[]) == "config_tuner"
    assert after("integrator", claimed=True, given_up=True) == "eject"


@pytest.mark.parametrize("verdict", ["FLAG", "FAIL"])
@pytest.mark.parametrize(
    ("redone", "goes"), [(1, "op_benchmarker"), (2, "op_benchmarker"), (3, "kernel_extractor"), (4, "kernel_extractor")]
)
def test_a_harness_that_is_not_signed_off_is_built_again_and_then_dropped(verdict: str, redone: int, goes: str) -> None:
    assert after("audit_harness", judged=judged(verdict), bench_redone=redone) == goes


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
    assert after("audit_bundle", judged=judged(verdict), accepted=kept, bundle_attempt=attempt) == goes


def test_only_a_claimed_gain_is_audited() -> None:
    assert after("measure_patch", claimed=True) == "audit_patch"
    assert after("measure_patch", claimed=False) == "config_tuner"


def test_the_tuner_confirms_gives_up_or_hands_over() -> None:
    lever = Lever(flags={"a": 1})
    assert after("config_tuner", lever=lever, accepted=[]) == "measure_patch"
    assert after("config_tuner", lever=lever, given_up=True, accepted=[]) == "eject"
    assert after("config_tuner", lever=None, accepted=[accepted("a", 0.1)]) == "validator"
    assert after("config_tuner", lever=None, accepted=[]) == "reporter"
    assert after("config_tuner", lever=None, accepted=[], several_loads=True) == "ladder"


def test_several_loads_are_measured_after_the_bundle_and_audited() -> None:
    kept = [accepted("a", 0.1)]
    bundled = {"judged": judged("PASS"), "accepted": kept, "bundle_attempt": 1}
    assert after("audit_bundle", **bundled, several_loads=True) == "ladder"
    assert after("validator", claimed=False, accepted=kept, bundle_attempt=2, several_loads=True) == "ladder"
    assert after("ladder", laddered=True) == "audit_frontier"
    assert after("ladder", laddered=False) == "reporter"


def test_an_unproven_bundle_is_tried_once_without_its_weakest_lever() -> None:
    two = [accepted("a", 0.1), accepted("b", 0.2)]
    assert after("validator", claimed=True, accepted=two, bundle_attempt=1) == "audit_bundle"
    assert after("validator", claimed=False, accepted=two, bundle_attempt=1) == "validator"
    assert after("validator", claimed=False, accepted=two, bundle_attempt=2) == "reporter"
    assert after("validator", claimed=False, accepted=two[:1], bundle_attempt=1) == "reporter"


@pytest.mark.parametrize("branch", routing.AUDITS, ids=lambda branch: branch.source)
def test_every_verdict_has_a_way_out_in_every_state(branch: Branch) -> None:
    """And at the bound none leads back to what was judged."""
    counters = {
        entry.counter: entry.most for entry in (routing.BASELINE, routing.PROFILE, routing.PATCH, routing.BUNDLE)
    }
    for verdict, action, track in product(
        get_args(AuditVerdict), ("pass", "remeasure", "eject"), ("config", "kernels")
    ):
        for read_only, levers, spent in product((False, True), (0, 1, 2), (False, True)):
            state = RunState(
                judged=judged(verdict, action),
                track=track,  # type: ignore[typeddict-item]  # one of the two literals
                read_only=read_only,
                accepted=[accepted(str(number), 0.1) for number in range(levers)],
                bench_redone=routing.HARNESS.most if spent else 1,
                **{name: most if spent else 1 for name, most in counters.items()},  # type: ignore[typeddict-item]  # counters
            )
            assert branch.nodes[branch.route(state)] == branch.target(state)
            if spent:
                assert branch.target(state) not in PRODUCERS[branch.source]
