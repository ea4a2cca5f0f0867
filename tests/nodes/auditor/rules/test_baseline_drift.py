"""One true baseline for the whole run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bankable.nodes.auditor.verdict import Severity
from tests.nodes.auditor.builders import edit, hits, judge, legs

RULE = "baseline_drift"


def test_the_same_level_passes(run: Path) -> None:
    assert not hits(judge(run), RULE)


def test_drift_within_the_noise_passes(make: Callable[..., Path]) -> None:
    assert not hits(judge(make(reference_rate=410.0)), RULE)


def test_a_drifted_reference_is_flagged(make: Callable[..., Path]) -> None:
    found = hits(judge(make(reference_rate=300.0)), RULE)
    assert [(entry.severity, entry.code) for entry in found] == [(Severity.FLAG, "drift")]


def test_another_reference_configuration_fails(run: Path) -> None:
    edit(run / "comparisons/control/plan.json", lambda plan: plan["reference"]["flags"].update(page_size=16))
    assert "Q04" in {mode for hit in hits(judge(run), RULE, Severity.FAIL) for mode in hit.modes}


def test_an_engine_edited_after_the_control_fails(run: Path) -> None:
    """C12: both legs of the patch run the edited tree, so only the control tells."""
    for leg in legs(run):
        edit(leg / "leg.json", lambda record: record["engine"].update(tree_digest="c" * 64))
    assert "C12" in {mode for hit in hits(judge(run), RULE, Severity.FAIL) for mode in hit.modes}


def test_another_workload_fails(run: Path) -> None:
    edit(run / "comparisons/control/plan.json", lambda plan: plan["workload"].update(output_len=64))
    assert hits(judge(run), RULE, Severity.FAIL)


def test_another_kernel_package_than_the_controls_fails(run: Path) -> None:
    """C18: installed between control and patch, so that both legs of the patch have it."""
    package = {"name": "sglang-kernel-cpu", "version": "0.4.6", "digest": "e" * 64, "live": True}
    for leg in legs(run):
        edit(leg / "leg.json", lambda record: record["engine"].update(kernels=package))
    assert "C18" in {mode for hit in hits(judge(run), RULE, Severity.FAIL) for mode in hit.modes}
