"""What an honest run may show without a finding: fields of a newer version, a failed request, rows in another order."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.evals.fixtures.build.edits import reclaim
from bankable.evals.fixtures.build.files import Json, edit, edit_each, edit_lines
from bankable.evals.fixtures.build.leg import add_summary
from bankable.nodes.auditor.verdict import Severity, Word
from tests.nodes.auditor.builders import hits, judge, legs, standard_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return standard_run(tmp_path / "run")


def test_unknown_fields_are_one_remark(run: Path) -> None:
    for leg in (*legs(run), *legs(run, "control")):
        edit(leg / "leg.json", lambda record: record.update(recorder="2.0"))
        edit(leg / "leg.json", lambda record: record["spans"][0].update(thread=7))
        edit_each(leg / "host.jsonl", lambda sample: sample.update(humidity=0.4))
    verdict = judge(run)
    assert verdict.verdict is Word.PASS
    assert hits(verdict, "evidence_readable") == []
    remarks = {note.text for note in verdict.notes if note.rule == "evidence_readable"}
    assert remarks == {
        "LegRecord.recorder: unknown field, left out in comparison/legs/b00-candidate/leg.json and 23 more files",
        "LegRecord.spans.*.thread: unknown field, left out in comparison/legs/b00-candidate/leg.json and 23 more files",
        "HostSample.humidity: unknown field, left out in comparison/legs/b00-candidate/host.jsonl and 23 more files",
    }


def _one_failed(rows: list[Json], place: int = 1) -> None:
    row = rows[place]
    row["errors"][3] = "connection reset"
    row["output_lens"][3], row["ttfts"][3], row["itls"][3], row["generated_texts"][3] = 0, 0.0, [], ""
    row["completed"] -= 1
    row["total_output_tokens"] -= 8
    rows[place] = add_summary(row)


def test_one_failed_request_on_each_launch_is_a_remark(run: Path) -> None:
    for leg in legs(run):
        edit_lines(leg / "bench_runs.jsonl", _one_failed)
    reclaim(run)
    verdict = judge(run)
    assert hits(verdict, "rows_complete") == []
    remark = "6 requests failed on the reference and 6 on the candidate, one a launch"
    assert remark in [note.text for note in verdict.notes]
    assert [finding for finding in verdict.findings if finding.severity is Severity.FAIL] == []


def test_they_may_fail_in_different_rounds_of_both_sides(run: Path) -> None:
    for leg in legs(run, side="reference"):
        edit_lines(leg / "bench_runs.jsonl", _one_failed)
    for leg in legs(run, side="candidate"):
        edit_lines(leg / "bench_runs.jsonl", lambda rows: _one_failed(rows, 2))
    reclaim(run)
    assert [finding for finding in judge(run).findings if finding.severity is Severity.FAIL] == []


def test_failed_requests_on_the_candidate_alone_are_harm(run: Path) -> None:
    edit_lines(legs(run, side="candidate")[0] / "bench_runs.jsonl", _one_failed)
    reclaim(run)
    assert [finding.code for finding in hits(judge(run), "rows_complete")] == ["failed_requests"]


def test_rows_in_another_order_with_their_own_indices_are_no_finding(run: Path) -> None:
    """The file lists the rounds from the last to the first; each says which one it is."""
    for leg in legs(run):
        edit_lines(leg / "bench_runs.jsonl", list.reverse)
    verdict = judge(run)
    assert [finding for finding in verdict.findings if finding.severity is Severity.FAIL] == []
