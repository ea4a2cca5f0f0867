"""The idle server is idle, and one round runs at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bankable.nodes.auditor.verdict import Severity, Word
from bankable.tools.evidence.records import LaunchPlan
from tests.nodes.auditor.builders import edit, edit_lines, hits, judge, legs

RULE = "co_resident_valid"


def test_an_idle_peer_passes(run: Path) -> None:
    assert not hits(judge(run), RULE)


def test_alternating_launches_need_no_peer_record(make: Callable[..., Path]) -> None:
    assert not hits(judge(make(launch_plan=LaunchPlan.ALTERNATING)), RULE)


def test_a_busy_peer_fails(run: Path) -> None:
    leg = legs(run, side="reference")[1]
    edit_lines(
        leg / "bench_runs.jsonl",
        lambda rows: [row["bankable"].update(peer_cpu_s=0.2 * row["bankable"]["cpu_s"]) for row in rows],
    )
    found = hits(judge(run), RULE, Severity.FAIL)
    assert [(entry.code, entry.evidence[0].file) for entry in found] == [
        ("peer_not_idle", "comparison/legs/b01-reference/bench_runs.jsonl")
    ]


def test_an_unrecorded_peer_is_unverifiable(run: Path) -> None:
    for leg in legs(run):
        edit_lines(leg / "bench_runs.jsonl", lambda rows: [row["bankable"].update(peer_cpu_s=None) for row in rows])
    verdict = judge(run)
    assert verdict.verdict is Word.FAIL
    assert any(note.rule == RULE and note.kind == "unverifiable" for note in verdict.notes)


def test_overlapping_rounds_fail(run: Path) -> None:
    leg = legs(run, side="candidate")[0]
    edit_lines(
        leg / "bench_runs.jsonl",
        lambda rows: [row["bankable"].update(started=row["bankable"]["started"] - 1.5) for row in rows],
    )
    assert "rounds_overlap" in {hit.code for hit in hits(judge(run), RULE)}


def test_two_servers_in_an_alternating_plan_fail(make: Callable[..., Path]) -> None:
    run = make(launch_plan=LaunchPlan.ALTERNATING)
    for leg in legs(run):
        edit(leg / "leg.json", lambda record: record.update(stopped_at=record["stopped_at"] + 100))
    assert "servers_overlap" in {hit.code for hit in hits(judge(run), RULE)}


def test_an_unfixed_pool_is_flagged(run: Path) -> None:
    for leg in legs(run):
        edit(leg / "server_info.json", lambda info: info.update(max_total_tokens=None))
    assert "capacity_not_fixed" in {hit.code for hit in hits(judge(run), RULE, Severity.FLAG)}
