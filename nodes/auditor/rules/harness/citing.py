"""Builds one finding for all rows with the same fault: the first three are cited, the others are counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bankable.nodes.auditor.harness.view import OperatorBenchmarkView, OpRow
from bankable.nodes.auditor.rule import Found, Unverifiable, at, fail
from bankable.nodes.auditor.verdict import Action, Evidence

CITED = 3


def cite_rows(benchmark: OperatorBenchmarkView, rows: Sequence[OpRow]) -> tuple[Evidence, ...]:
    """File and line of the first of these rows."""
    return tuple(at(benchmark.runs_file, row.line) for row in rows[:CITED])


def report_rows(
    benchmark: OperatorBenchmarkView,
    rows: Sequence[OpRow],
    expected: str,
    observed: str,
    advice: str,
    *,
    modes: tuple[str, ...],
    code: str,
    action: Action = Action.REDO,
) -> Iterator[Found]:
    """Yield a FAIL when there are such rows; ``observed`` describes the first one."""
    if rows:
        text = f"{rows[0].name}: {observed}" + (f", and {len(rows) - 1} more rows" if len(rows) > 1 else "")
        yield fail(expected, text[:400], advice, *cite_rows(benchmark, rows), action=action, modes=modes, code=code)


def report_unrecorded(benchmark: OperatorBenchmarkView, rows: Sequence[OpRow], what: str) -> Iterator[Unverifiable]:
    """Yield ``Unverifiable`` when there are rows that lack the record that decides."""
    if rows:
        yield Unverifiable(f"{what} of {rows[0].name} ({len(rows)} rows in all)", cite_rows(benchmark, rows))
