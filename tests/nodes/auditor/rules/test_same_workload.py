"""Both legs were asked the same, from the same cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bankable.nodes.auditor.verdict import Severity
from tests.nodes.auditor.builders import Json, edit_lines, hits, judge, legs

RULE = "same_workload"


def _rows(run: Path, change: Callable[[Json], object]) -> list[str]:
    for leg in legs(run, side="candidate"):
        edit_lines(leg / "bench_runs.jsonl", lambda rows: [change(row) for row in rows])
    return [mode for hit in hits(judge(run), RULE, Severity.FAIL) for mode in hit.modes]


def test_few_cached_tokens_are_no_difference(run: Path) -> None:
    assert _rows(run, lambda row: row.update(cached_tokens=[1] + [0] * 7)) == []


def test_unrecorded_cached_tokens_with_a_flush_record_pass(run: Path) -> None:
    assert _rows(run, lambda row: row.pop("cached_tokens")) == []


def test_other_prompts_fail(run: Path) -> None:
    assert "C08" in _rows(run, lambda row: row["bankable"].update(request_digest="e" * 64))


def test_shorter_prompts_fail(run: Path) -> None:
    assert "C08" in _rows(run, lambda row: row.update(input_lens=[8] * 8))


def test_cache_hits_on_one_leg_fail(run: Path) -> None:
    assert "C17" in _rows(run, lambda row: row.update(cached_tokens=[12] * 8))


def test_a_prompt_that_one_leg_found_in_the_cache_once_is_no_difference(run: Path) -> None:
    """15 of 128 tokens of one round, of one block out of five."""
    first = legs(run, side="candidate")[0]
    edit_lines(first / "bench_runs.jsonl", lambda rows: rows[0].update(cached_tokens=[15] + [0] * 7))
    assert [hit.modes for hit in hits(judge(run), RULE, Severity.FAIL)] == []


def test_one_round_from_a_warm_cache_fails_and_is_named(run: Path) -> None:
    third = legs(run, side="candidate")[2]
    edit_lines(third / "bench_runs.jsonl", lambda rows: rows[1].update(cached_tokens=[15] * 8))
    (found,) = hits(judge(run), RULE, Severity.FAIL)
    assert found.modes == ("C17",)
    assert [(entry.file.split("/")[-2:], entry.line) for entry in found.evidence] == [
        ([third.name, "bench_runs.jsonl"], 2)
    ]


def test_an_unflushed_cache_fails(run: Path) -> None:
    assert "C17" in _rows(run, lambda row: row["bankable"].update(flushed=False))


def test_another_concurrency_fails(run: Path) -> None:
    assert "C08" in _rows(run, lambda row: row.update(max_concurrency=64))
