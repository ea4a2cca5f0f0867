"""An operator benchmark that broke is a broken operator benchmark, and says nothing about its candidates (H08 H17).

Every row raised, or every row of the reference, or every row of the candidates: ``harness_error``, whatever the claim
calls it. A winner that raised at any shape of the task would do so on the live server: it is ejected. A losing
candidate may raise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OpRow
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule, at, fail, info
from bankable.nodes.auditor.rules.harness.citing import cite, faulty
from bankable.nodes.auditor.verdict import Action, Severity

ADVICE = (
    "find the exception in the harness and run the benchmark again; until then nothing is known about any candidate"
)


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    for name, rows in (
        ("row", benchmark.rows),
        ("reference row", benchmark.reference),
        ("candidate row", benchmark.candidates),
    ):
        if not _ran(rows):
            claimed = benchmark.claim.outcome if benchmark.claim is not None else None
            first = next((row.run.raised or "" for row in rows), "there is none")
            yield fail(
                f"at least one {name} that ran",
                f"every {name} raised, claimed {claimed}: {first}"[:400],
                ADVICE,
                *(cite(benchmark, rows) or (at(benchmark.runs_file),)),
                action=Action.REDO,
                modes=("H08",),
                code="harness_error",
            )
            return
    if benchmark.claim is not None and benchmark.claim.outcome == "harness_error":
        count = sum(row.measured for row in benchmark.rows)
        yield fail(
            "rows that raised behind a harness_error",
            f"{count} rows were measured",
            "claim what the rows say",
            at(benchmark.path("claim.json")),
            action=Action.REDO,
            modes=("H08",),
            code="no_harness_error",
        )
    broken = [row for row in benchmark.winning if row.run.raised is not None]
    if broken:
        yield from faulty(
            benchmark,
            broken,
            "a winner that runs at every shape",
            f"raised {broken[0].run.raised}",
            "an implementation that raises here would take the server down: fix it or drop it",
            modes=("H17",),
            code="winner_raised",
            action=Action.EJECT,
        )
    out = {row.run.implementation for row in benchmark.candidates if row.run.raised is not None} - {benchmark.winner}
    if out:
        yield info("candidates that raised are left out of the comparison", ", ".join(sorted(map(str, out)))[:300])


def _ran(rows: Sequence[OpRow]) -> bool:
    return any(row.run.raised is None for row in rows)


rule = Rule("harness_raised", HARNESS, ("H08", "H17"), ("bench",), check, gate=True, gives=(Severity.FAIL,))
