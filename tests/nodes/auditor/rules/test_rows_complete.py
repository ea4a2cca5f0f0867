"""Every request is accounted for, every credited token was returned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bankable.nodes.auditor.verdict import Severity
from tests.nodes.auditor.builders import Json, edit_lines, hits, judge, legs, read, rename_leg, write

RULE = "rows_complete"


def _rows(run: Path, change: Callable[[Json], object], side: str = "candidate") -> set[str]:
    for leg in legs(run, side=side):
        edit_lines(leg / "bench_runs.jsonl", lambda rows: [change(row) for row in rows])
    return {mode for hit in hits(judge(run), RULE, Severity.FAIL) for mode in hit.modes}


def test_all_rows_there_pass(run: Path) -> None:
    assert not hits(judge(run), RULE)


def test_tokens_streamed_in_pieces_pass(run: Path) -> None:
    """With stream_interval 8 the first piece holds up to eight tokens, so fewer gaps are seen."""
    assert "Q08" not in _rows(run, lambda row: row.update(itls=[gaps[:-4] for gaps in row["itls"]]))


def test_a_retry_after_a_recorded_failure_is_only_flagged(run: Path) -> None:
    folder = run / "comparisons/patch-stream_interval/legs"
    for side in ("reference", "candidate"):
        rename_leg(folder / f"b01-{side}", f"b01-{side}-again")
    kept = read(folder / "b01-candidate-again/leg.json")
    failure = {"kind": "died_in_round", "line": "gone", "line_number": 3}
    write(
        folder / "b01-candidate/leg.json",
        {**kept, "leg_id": "b01-candidate", "status": "failed", "failure": failure, "timed_rounds": 0},
    )
    verdict = judge(run)
    assert [hit.severity for hit in hits(verdict, RULE)] == [Severity.FLAG]


def test_a_retry_without_a_failure_fails(run: Path) -> None:
    folder = run / "comparisons/patch-stream_interval/legs"
    for side in ("reference", "candidate"):
        rename_leg(folder / f"b01-{side}", f"b01-{side}-again")
    assert "D11" in {mode for hit in hits(judge(run), RULE, Severity.FAIL) for mode in hit.modes}


def test_a_dropped_round_fails(run: Path) -> None:
    leg = legs(run, side="candidate")[3]
    edit_lines(leg / "bench_runs.jsonl", lambda rows: rows.pop())
    assert "D11" in {mode for hit in hits(judge(run), RULE, Severity.FAIL) for mode in hit.modes}


def test_failed_requests_fail(run: Path) -> None:
    def lose(row: Json) -> None:
        row["errors"][0], row["output_lens"][0], row["itls"][0] = "timeout", 0, []
        row.update(completed=7, total_output_tokens=56)

    assert {"Q09"} <= _rows(run, lose)


def test_requests_that_vanish_fail(run: Path) -> None:
    def drop(row: Json) -> None:
        for name in ("input_lens", "output_lens", "ttfts", "itls", "errors"):
            row[name] = row[name][:-1]
        row.update(completed=7, total_output_tokens=56)

    assert {"D11"} <= _rows(run, drop)


def test_tokens_that_were_never_streamed_fail(run: Path) -> None:
    def inflate(row: Json) -> None:
        row["output_lens"] = [32] * 8
        row["total_output_tokens"] = 256

    assert {"Q08"} <= _rows(run, inflate)


def test_a_duration_shorter_than_its_requests_fails(run: Path) -> None:
    def stretch(row: Json) -> None:
        row["itls"] = [[gap * 20 for gap in gaps] for gaps in row["itls"]]

    assert {"D14"} <= _rows(run, stretch)


def test_a_missing_block_fails(run: Path) -> None:
    for leg in legs(run)[2:4]:
        (leg / "bench_runs.jsonl").unlink()
    assert "D11" in {mode for hit in hits(judge(run), RULE, Severity.FAIL) for mode in hit.modes}
