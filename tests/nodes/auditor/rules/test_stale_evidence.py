"""Measured in this run, when it says so."""

from __future__ import annotations

import shutil
from pathlib import Path

from bankable.nodes.auditor.verdict import Severity, Word
from tests.nodes.auditor.builders import edit, edit_lines, hits, judge, legs

RULE = "stale_evidence"


def _fails(run: Path) -> list[str]:
    return [hit.observed for hit in hits(judge(run), RULE, Severity.FAIL)]


def test_evidence_of_this_run_passes(run: Path) -> None:
    assert _fails(run) == []


def test_a_replayed_leg_is_said_so(run: Path) -> None:
    for name in ("control", "patch-stream_interval"):
        for leg in legs(run, name):
            edit(leg / "leg.json", lambda record: record.update(driver="replay", source="f" * 64))
    verdict = judge(run)
    assert verdict.verdict is Word.PASS
    assert [note.rule for note in verdict.notes if note.kind == "remark"] == [RULE]


def test_a_plan_of_another_run_fails(run: Path) -> None:
    edit(run / "comparisons/patch-stream_interval/plan.json", lambda plan: plan.update(run_id="run-0000"))
    assert "run run-0000" in _fails(run)


def test_a_leg_of_another_run_fails(run: Path) -> None:
    edit(legs(run)[3] / "leg.json", lambda record: record.update(run_id="run-0000"))
    assert _fails(run) == ["run run-0000"]


def test_rounds_outside_the_servers_life_fail(run: Path) -> None:
    edit_lines(legs(run)[0] / "bench_runs.jsonl", lambda rows: rows[0]["bankable"].update(started=1.0, ended=5.0))
    assert _fails(run)


def test_a_copied_leg_fails(run: Path) -> None:
    first, second = legs(run, side="reference")[:2]
    shutil.copy(first / "bench_runs.jsonl", second / "bench_runs.jsonl")
    assert any("the same timings" in fail for fail in _fails(run))
