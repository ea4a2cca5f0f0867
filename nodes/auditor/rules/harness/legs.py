"""Each leg ran what it was registered as: the file that its process imported, and the branch that answered (H04 E05).

Legs are swapped when the reference imported the winner's file and the winner the live one. A candidate whose branch
never reported fell back; an error against the live output of exactly 0.0 beside that is the live implementation itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OpRow
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import faulty, unrecorded
from bankable.nodes.auditor.verdict import Severity

ADVICE = "let each process report the file it imported and the branch that ran, and measure again"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    rows = [row for row in benchmark.judged if row.run.raised is None]
    yield from unrecorded(benchmark, [row for row in rows if row.run.resolved is None], "the imported file")
    moved = [row for row in rows if row.run.resolved is not None and row.run.resolved != row.run.source]
    if moved and _swapped(moved):
        yield from faulty(
            benchmark,
            moved,
            "reference and candidate under their own names",
            "imported the other leg's file",
            ADVICE,
            modes=("H04",),
            code="swapped",
        )
    elif moved:
        resolved = moved[0].run.resolved
        yield from faulty(
            benchmark,
            moved,
            f"the registered file {moved[0].run.source.path}",
            f"imported {resolved.path if resolved else None}",
            ADVICE,
            modes=("H04",),
            code="other_file",
        )
    elsewhere = [row for row in rows if row.run.executed != row.run.implementation]
    if elsewhere:
        same = [row for row in elsewhere if row.run.correctness and row.run.correctness.error_vs_live == 0.0]
        shown = same or elsewhere
        said = f"the branch that ran was {shown[0].run.executed}"
        yield from faulty(
            benchmark,
            shown,
            f"a report from {shown[0].run.implementation}",
            said + (", its error against live is exactly 0.0" if same else ""),
            ADVICE,
            modes=("E05",) if same else ("H04", "E05"),
            code="silent_fallback" if same else "other_branch",
        )


def _swapped(moved: list[OpRow]) -> bool:
    """Say whether each leg imported what the other one was registered as."""
    legs = [[row.run for row in moved if row.run.role == role] for role in ("reference", "candidate")]
    registered = [{run.source.digest for run in runs} for runs in legs]
    imported = [{run.resolved.digest for run in runs if run.resolved} for runs in legs]
    return all(imported) and imported[0] <= registered[1] and imported[1] <= registered[0]


rule = Rule("harness_legs", HARNESS, ("H04", "E05"), ("bench",), check, gate=True, gives=(Severity.FAIL,))
