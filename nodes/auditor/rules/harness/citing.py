"""One finding for all rows that share a fault: the first three are cited, the rest are counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bankable.nodes.auditor.harness.view import OperatorBenchmarkView, OpRow
from bankable.nodes.auditor.rule import Found, Unverifiable, at, fail
from bankable.nodes.auditor.verdict import Action, Evidence

CITED = 3


def cite(benchmark: OperatorBenchmarkView, rows: Sequence[OpRow]) -> tuple[Evidence, ...]:
    """Where these rows stand."""
    return tuple(at(benchmark.runs_file, row.line) for row in rows[:CITED])


def faulty(
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
    """A FAIL when there are such rows; ``observed`` describes the first one."""
    if rows:
        said = f"{rows[0].name}: {observed}" + (f", and {len(rows) - 1} more rows" if len(rows) > 1 else "")
        yield fail(expected, said[:400], advice, *cite(benchmark, rows), action=action, modes=modes, code=code)


def unrecorded(benchmark: OperatorBenchmarkView, rows: Sequence[OpRow], what: str) -> Iterator[Unverifiable]:
    """Rows that do not carry the record that decides."""
    if rows:
        yield Unverifiable(f"{what} of {rows[0].name} ({len(rows)} rows in all)", cite(benchmark, rows))
