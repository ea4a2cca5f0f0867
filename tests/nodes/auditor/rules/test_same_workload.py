"""Both legs were asked the same, from the same cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nodes.auditor.verdict import Severity
from tests.nodes.auditor.builders import (
    Json,
    edit_lines,
    hits,
    judge,
    legs,
)

RULE = "same_workload"


def _rows(run: Path, change: Callable[[Json], object]) -> list[str]:
    for leg in legs(run, side="candidate"):
        edit_lines(leg / "bench_runs.jsonl", lambda rows: [change(row) for row in rows])
    return [mode for it in hits(judge(run), RULE, Severity.FAIL) for mode in it.modes]


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


def test_an_unflushed_cache_fails(run: Path) -> None:
    assert "C17" in _rows(run, lambda row: row["bankable"].update(flushed=False))


def test_another_concurrency_fails(run: Path) -> None:
    assert "C08" in _rows(run, lambda row: row.update(max_concurrency=64))
