"""Fresh servers, in the planned order, close together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import LaunchPlan
from tests.nodes.auditor.builders import edit, hits, judge, legs, read

RULE = "interleaving"


def _modes(run: Path) -> set[str]:
    return {mode for hit in hits(judge(run), RULE, Severity.FAIL) for mode in hit.modes}


def test_mirrored_rounds_pass(run: Path) -> None:
    assert _modes(run) == set()


def test_alternating_launches_pass(make: Callable[..., Path]) -> None:
    assert _modes(make(launch_plan=LaunchPlan.ALTERNATING)) == set()


def test_a_warm_server_fails(run: Path) -> None:
    for leg in legs(run, side="candidate"):
        edit(leg / "leg.json", lambda record: record.update(lifecycle="attached"))
    assert _modes(run) == {"C07"}


def test_a_server_that_was_already_running_can_be_a_baseline_under_a_flag(run: Path) -> None:
    for leg in legs(run, "control"):
        edit(leg / "leg.json", lambda record: record.update(lifecycle="attached"))
    verdict = judge(run, "baseline", "control")
    assert not hits(verdict, RULE, Severity.FAIL)
    assert {hit.code for hit in hits(verdict, RULE, Severity.FLAG)} == {"one_lifetime"}


def test_a_cold_reference_fails(run: Path) -> None:
    for leg in legs(run, side="reference"):
        edit(leg / "leg.json", lambda record: record.update(warmups=0))
    assert _modes(run) == {"C03"}


def test_a_reference_from_another_session_fails(make: Callable[..., Path]) -> None:
    run = make(launch_plan=LaunchPlan.ALTERNATING)
    for leg in legs(run, side="reference"):
        edit(
            leg / "leg.json",
            lambda r: r.update(
                launched_at=r["launched_at"] - 9000, ready_at=r["ready_at"] - 9000, stopped_at=r["stopped_at"] - 9000
            ),
        )
    assert "C05" in _modes(run)


def test_rounds_in_another_order_fail(run: Path) -> None:
    edit(
        run / "comparisons/patch-stream_interval/plan.json",
        lambda plan: plan["blocks"][0].update(rounds=["reference"] * 3 + ["candidate"] * 3),
    )
    assert "C05" in _modes(run)


def test_one_launch_for_two_blocks_fails(run: Path) -> None:
    first, second = legs(run, side="reference")[:2]
    kept = read(first / "leg.json")
    edit(second / "leg.json", lambda record: record.update(pid=kept["pid"], launched_at=kept["launched_at"]))
    assert "C06" in _modes(run)
