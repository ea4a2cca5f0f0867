"""The label of what a public leaderboard would admit: one reason against is enough, and doubts are named."""

from __future__ import annotations

import pytest

from bankable.tools.evidence.records import ComparisonKind, LaunchPlan, Lever, OverlayPart, Plan, ServerConfig, Workload
from bankable.tools.exchange.admission import judge_admission
from bankable.tools.measurement.plan import make_plan

IMAGE = "lmsysorg/sglang:v0.5.23"
FULL = Workload(name="inferencex-1k1k", input_len=1024, output_len=1024, range_ratio=0.8, concurrency=4, num_prompts=40)


def plan_of(workload: Workload = FULL) -> Plan:
    return make_plan(
        name="patch",
        run_id="0" * 16,
        kind=ComparisonKind.PATCH,
        model="m",
        reference=ServerConfig(),
        lever=Lever(flags={"stream_interval": 8}),
        workload=workload,
        launch_plan=LaunchPlan.ALTERNATING,
        seed=1,
        looks=(5, 7, 10),
        rounds_per_leg=2,
        alpha=0.024,
    )


def test_a_setting_of_the_engine_on_the_projects_own_image_is_admitted() -> None:
    lever = Lever(flags={"stream_interval": 8})
    assert judge_admission(lever, plan_of(), {"tp_size": 1}, "cuda", IMAGE).describe() == "yes"
    assert (
        judge_admission(lever, plan_of(), {}, "cuda").describe()
        == "unknown: to be shown: served from the project's own image"
    )


@pytest.mark.parametrize(
    ("lever", "info", "device", "reason"),
    [
        (
            Lever(overlays={"rms_norm": OverlayPart(implementation="x", digest="0" * 64, source_digest="0" * 64)}),
            {},
            "cuda",
            "the engine is patched (rms_norm)",
        ),
        (Lever(flags={"json_model_override_args": "{}"}), {}, "cuda", "the model may do less work"),
        (None, {"json_model_override_args": '{"num_hidden_layers": 2}'}, "cuda", "the model may do less work"),
        (
            Lever(flags={"speculative_draft_model_quantization": "fp8"}),
            {},
            "cuda",
            "the precision of the draft is changed",
        ),
        (None, {}, "cpu", "the leaderboard lists no CPU"),
    ],
)
def test_one_reason_against_is_enough(lever: Lever | None, info: dict[str, object], device: str, reason: str) -> None:
    admission = judge_admission(lever, plan_of(), info, device, IMAGE)
    assert admission.admitted == "no"
    assert reason in admission.describe()


def test_scaled_and_unnamed_workloads_are_not_admitted() -> None:
    scaled = Workload(
        name="inferencex-1k1k/8", input_len=128, output_len=128, range_ratio=0.8, concurrency=4, num_prompts=40
    )
    texts = [judge_admission(None, plan_of(load), {}, "cuda", IMAGE).describe() for load in (scaled, Workload())]
    assert texts == [
        "no: the workload is scaled down (inferencex-1k1k/8)",
        "no: the workload is none of the leaderboard's",
    ]


def test_precision_and_drafts_are_left_to_be_shown() -> None:
    lever = Lever(flags={"quantization": "fp8"})
    admission = judge_admission(lever, plan_of(), {"speculative_algorithm": "EAGLE"}, "cuda", IMAGE)
    assert admission.admitted == "unknown"
    assert len(admission.open) == 2


def test_an_earlier_overlay_patches_the_reference_too() -> None:
    admission = judge_admission(None, plan_of(), {}, "cuda", IMAGE, overlaid=True)
    assert admission.describe() == "no: the engine is patched (operators of an earlier lever)"
