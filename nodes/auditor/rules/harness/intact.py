"""Clock, synchronisation and checker were the same objects before a candidate's import and after its calls (H15)."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import report_rows, report_unrecorded
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.harness import Intact


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    rows = [row for row in benchmark.judged if row.measured]
    yield from report_unrecorded(
        benchmark, [row for row in rows if row.run.intact is None], "the identities of clock, synchronize and checker"
    )
    for name in Intact.model_fields:
        patched = [row for row in rows if row.run.intact is not None and not getattr(row.run.intact, name)]
        yield from report_rows(
            benchmark,
            patched,
            f"an unchanged {name}",
            "another object after the calls",
            "drop the implementation: it replaced part of what measures it",
            modes=("H15",),
            code="patched",
            action=Action.EJECT,
        )


rule = Rule("harness_intact", HARNESS, ("H15",), ("bench",), check, gives=(Severity.FAIL,))
