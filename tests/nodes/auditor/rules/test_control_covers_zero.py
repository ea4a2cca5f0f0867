"""The reference against itself shows no gain."""

from __future__ import annotations

from pathlib import Path

from bankable.nodes.auditor.verdict import Severity, Word
from bankable.tools.evidence.records import ComparisonKind, Lever
from tests.nodes.auditor.builders import RunRecipe, edit, hits, judge, legs, run_folder

RULE = "control_covers_zero"


def _runs(root: Path, bias: float, gain: float) -> Path:
    control = RunRecipe(gain=bias, block_sd=0.005, round_sd=0.005)
    patch = RunRecipe(
        name="patch-stream_interval",
        kind=ComparisonKind.PATCH,
        lever=Lever(flags={"stream_interval": 8}),
        gain=gain,
        block_sd=0.005,
        round_sd=0.005,
        seed=2,
        start=1_010_000.0,
    )
    return run_folder(root / "run", control, patch)


def test_a_control_around_zero_passes(tmp_path: Path) -> None:
    run = _runs(tmp_path, 0.0, 0.1)
    assert not hits(judge(run, "baseline"), RULE)
    assert not hits(judge(run), RULE)


def test_a_wide_control_that_covers_zero_passes(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run", RunRecipe(block_sd=0.05, seed=3))
    assert not hits(judge(run, "baseline"), RULE)


def test_a_biased_control_is_measured_again(tmp_path: Path) -> None:
    found = hits(judge(_runs(tmp_path, 0.08, 0.3), "baseline"), RULE)
    assert [(entry.severity, entry.action.value) for entry in found] == [(Severity.FLAG, "remeasure")]


def test_a_gain_that_the_control_shows_too_fails(tmp_path: Path) -> None:
    assert [hit.code for hit in hits(judge(_runs(tmp_path, 0.08, 0.085)), RULE, Severity.FAIL)] == [
        "control_explains_gain"
    ]


def test_a_small_bias_under_a_large_gain_is_flagged(tmp_path: Path) -> None:
    assert [hit.severity for hit in hits(judge(_runs(tmp_path, 0.03, 0.3)), RULE)] == [Severity.FLAG]


def test_a_control_with_a_lever_is_none(run: Path) -> None:
    edit(run / "comparisons/control/plan.json", lambda plan: plan.update(lever={"flags": {"page_size": 16}, "env": {}}))
    assert hits(judge(run), RULE, Severity.FAIL)


def test_a_missing_control_is_never_a_pass(run: Path) -> None:
    for leg in legs(run, "control"):
        (leg / "leg.json").unlink()
    assert judge(run).verdict is Word.FAIL
