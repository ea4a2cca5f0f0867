"""An operator benchmark whose rows raised is a harness error and no result about its candidates (H08 H17).

When every row raised, or every reference row, or every candidate row, the outcome is ``harness_error``, whatever the
claim says. A winner that raised at any shape of the task would raise on the live server too: it is ejected. A losing
candidate may raise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OpRow
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule, at, fail, info
from bankable.nodes.auditor.rules.harness.citing import cite_rows, report_rows
from bankable.nodes.auditor.verdict import Action, Severity

ADVICE = "fix the exception in the harness and run the operator benchmark again; no candidate is measured until then"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    for name, rows in (
        ("row", benchmark.rows),
        ("reference row", benchmark.reference),
        ("candidate row", benchmark.candidates),
    ):
        if not _has_completed(rows):
            claimed = benchmark.claim.outcome if benchmark.claim is not None else None
            first = next((row.run.raised or "" for row in rows), "there is no row")
            yield fail(
                f"at least one {name} that ran",
                f"every {name} raised, claimed {claimed}: {first}"[:400],
                ADVICE,
                *(cite_rows(benchmark, rows) or (at(benchmark.runs_file),)),
                action=Action.REDO,
                modes=("H08",),
                code="harness_error",
            )
            return
    if benchmark.claim is not None and benchmark.claim.outcome == "harness_error":
        count = sum(row.measured for row in benchmark.rows)
        yield fail(
            "rows that raised, for outcome harness_error",
            f"{count} rows completed",
            "claim the outcome that the rows give",
            at(benchmark.path("claim.json")),
            action=Action.REDO,
            modes=("H08",),
            code="no_harness_error",
        )
    broken = [row for row in benchmark.winning if row.run.raised is not None]
    if broken:
        yield from report_rows(
            benchmark,
            broken,
            "a winner that runs at every shape",
            f"it raised {broken[0].run.raised}",
            "fix or drop the implementation: it would raise in the live server too",
            modes=("H17",),
            code="winner_raised",
            action=Action.EJECT,
        )
    left_out = {row.run.implementation for row in benchmark.candidates if row.run.raised is not None} - {
        benchmark.winner
    }
    if left_out:
        yield info("candidates that raised are left out", ", ".join(sorted(map(str, left_out)))[:300])


def _has_completed(rows: Sequence[OpRow]) -> bool:
    return any(row.run.raised is None for row in rows)


rule = Rule("harness_raised", HARNESS, ("H08", "H17"), ("bench",), check, gate=True, gives=(Severity.FAIL,))
