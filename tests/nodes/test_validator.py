"""The bundle is the union of its levers, the later one wins."""

from __future__ import annotations

from dataclasses import replace

from bankable.nodes.validator import bundle_name, find_whole_confirmation, union
from bankable.tools.evidence.recorded import take_over
from bankable.tools.evidence.records import Lever, OverlayPart
from tests.nodes.conftest import KernelReplay

DIGEST = "0" * 64


def part(name: str) -> OverlayPart:
    return OverlayPart(implementation=name, digest=DIGEST, source_digest=DIGEST)


def test_flags_variables_and_operators_are_united() -> None:
    levers = [
        Lever(flags={"a": 1, "b": 2}, overlays={"rms_norm": part("one")}),
        Lever(flags={"b": 3}, env={"X": "1"}, overlays={"silu_and_mul": part("two")}),
    ]
    assert union(levers) == Lever(
        flags={"a": 1, "b": 3}, env={"X": "1"}, overlays={"rms_norm": part("one"), "silu_and_mul": part("two")}
    )


def test_a_second_validation_has_a_name_of_its_own() -> None:
    assert [bundle_name(attempt) for attempt in (1, 2)] == ["bundle", "bundle-2"]


def test_a_bundle_of_one_patch_against_the_true_baseline_is_measured_already(kernel_replay: KernelReplay) -> None:
    context, patch = kernel_replay.context, "patch-decode_attention"
    assert context.recorded is not None
    assert take_over(context.recorded, context.folder, f"comparisons/{patch}")
    assert find_whole_confirmation(context, [patch]) == patch
    assert find_whole_confirmation(context, []) == ""
    assert find_whole_confirmation(context, [patch, "patch-stream_interval-8"]) == ""
    stacked = context.base.model_copy(update={"flags": {**context.base.flags, "stream_interval": 8}})
    assert find_whole_confirmation(replace(context, base=stacked), [patch]) == ""
