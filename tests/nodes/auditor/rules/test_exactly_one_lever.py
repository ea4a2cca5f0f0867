"""One change per patch, none in a control."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import Lever
from tests.nodes.auditor.builders import edit, hits, judge

RULE = "exactly_one_lever"


def test_one_lever_passes(run: Path) -> None:
    assert not hits(judge(run), RULE)


def test_a_control_without_a_lever_passes(run: Path) -> None:
    assert not hits(judge(run, "baseline"), RULE)


def test_a_knob_that_needs_another_counts_with_it(make: Callable[..., Path]) -> None:
    lever = Lever(flags={"speculative_algorithm": "NGRAM", "speculative_num_draft_tokens": 8})
    assert not hits(judge(make(lever=lever)), RULE)


def test_two_levers_fail(make: Callable[..., Path]) -> None:
    lever = Lever(flags={"stream_interval": 8, "schedule_policy": "lpm"})
    assert [hit.code for hit in hits(judge(make(lever=lever)), RULE)] == ["two_levers"]


def test_an_empty_lever_fails(make: Callable[..., Path]) -> None:
    assert [hit.code for hit in hits(judge(make(lever=Lever())), RULE)] == ["no_lever"]


def test_a_claim_for_another_lever_fails(run: Path) -> None:
    edit(
        run / "comparisons/patch-stream_interval/claim.json",
        lambda claim: claim.update(lever={"flags": {"page_size": 16}, "env": {}}),
    )
    assert [hit.code for hit in hits(judge(run), RULE)] == ["other_lever"]


def test_a_control_with_a_lever_fails(run: Path) -> None:
    edit(run / "comparisons/control/plan.json", lambda plan: plan.update(lever={"flags": {"page_size": 16}, "env": {}}))
    assert hits(judge(run, "baseline"), RULE, Severity.FAIL)
