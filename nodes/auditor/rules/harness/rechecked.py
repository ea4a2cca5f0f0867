"""Outputs of the timed calls themselves were correct, for inputs from secret seeds (H13).

At least three timed outputs of every winning row, or all of them, are drawn and compared after the timing, each with
its own secret seed; and new contents under an old data pointer must give the new output.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import report_rows, report_unrecorded
from bankable.nodes.auditor.verdict import Action, Severity

FEWEST = 3
ADVICE = "compare outputs of timed calls, drawn after the timing, whose inputs come from secret seeds"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    rows = [row for row in benchmark.winning if row.measured]
    pairs = [(row, row.run.correctness) for row in rows if row.run.correctness is not None]
    yield from report_unrecorded(
        benchmark, [row for row in rows if row.run.correctness is None], "the correctness record"
    )
    few = [row for row, result in pairs if result.checked_calls < min(FEWEST, row.run.timed_calls)]
    yield from report_rows(
        benchmark,
        few,
        f"at least {FEWEST} timed outputs compared",
        "fewer",
        ADVICE,
        modes=("H13",),
        code="not_rechecked",
    )
    reused = [
        row for row, result in pairs if result.secret_seeds < result.checked_calls >= min(FEWEST, row.run.timed_calls)
    ]
    yield from report_rows(
        benchmark,
        reused,
        "its own secret seed for every compared call",
        "fewer seeds than compared calls",
        ADVICE,
        modes=("H13",),
        code="seeds_reused",
    )
    yield from report_unrecorded(
        benchmark,
        [row for row, result in pairs if result.same_pointer_recheck is None],
        "a recheck under the same pointer",
    )
    cached = [row for row, result in pairs if result.same_pointer_recheck is False]
    yield from report_rows(
        benchmark,
        cached,
        "the output for the new contents under an old data pointer",
        "the output for the old contents",
        "drop the cache: an address does not identify its contents",
        modes=("H13",),
        code="cached_answer",
        action=Action.EJECT,
    )


rule = Rule("harness_rechecked", HARNESS, ("H13",), ("bench",), check, gives=(Severity.FAIL,))
