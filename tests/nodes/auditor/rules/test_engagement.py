"""The lever took effect on the candidate and only there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bankable.nodes.auditor.verdict import Severity, Word
from bankable.tools.evidence.records import Lever
from tests.nodes.auditor.builders import edit, edit_lines, hits, judge, legs, write_lines

RULE = "engagement"


def test_an_engaged_flag_passes(run: Path) -> None:
    assert not hits(judge(run), RULE)


def test_an_engaged_variable_passes(make: Callable[..., Path]) -> None:
    run = make(lever=Lever(env={"SGLANG_X": "1"}))
    for leg in legs(run, side="candidate"):
        write_lines(
            leg / "engagement.jsonl",
            [
                {
                    "operator": "variable",
                    "name": "SGLANG_X",
                    "requested": "1",
                    "resolved": "1",
                    "engaged": True,
                    "source": "environment",
                }
            ],
        )
    assert not hits(judge(run), RULE)


def test_a_flag_that_the_server_ignored_fails(run: Path) -> None:
    for leg in legs(run, side="candidate"):
        edit(leg / "server_info.json", lambda info: info.update(stream_interval=1))
    assert {hit.code for hit in hits(judge(run), RULE, Severity.FAIL)} >= {"not_engaged"}


def test_a_change_on_both_legs_fails(run: Path) -> None:
    for leg in legs(run, side="reference"):
        edit(leg / "server_info.json", lambda info: info.update(stream_interval=8))
    assert {hit.code for hit in hits(judge(run), RULE, Severity.FAIL)} == {"both_engaged"}


def test_a_knob_that_nothing_reads_fails(make: Callable[..., Path]) -> None:
    run = make(lever=Lever(flags={"num_continuous_decode_steps": 4}))
    assert "unread" in {hit.code for hit in hits(judge(run), RULE)}


def test_an_engagement_record_that_contradicts_the_server_fails(run: Path) -> None:
    for leg in legs(run, side="candidate"):
        edit_lines(leg / "engagement.jsonl", lambda rows: rows[0].update(resolved="16"))
    assert {hit.code for hit in hits(judge(run), RULE, Severity.FAIL)} == {"engagement_differs"}


def test_a_missing_engagement_record_is_flagged(run: Path) -> None:
    for leg in legs(run, side="candidate"):
        (leg / "engagement.jsonl").unlink()
    verdict = judge(run)
    assert verdict.verdict is Word.FLAG
    assert {finding.rule for finding in verdict.findings if finding.severity is Severity.FLAG} == {RULE}
