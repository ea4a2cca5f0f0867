"""The timed calls themselves gave the right answers, from inputs that nobody could know (H13).

At least three timed outputs of every winning row, or all of them, were compared after the fact, each from a secret seed
of its own; and new contents under an old data pointer gave the new answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import faulty, unrecorded
from bankable.nodes.auditor.verdict import Action, Severity

FEWEST = 3
ADVICE = "compare outputs of timed calls, drawn after the fact, whose inputs come from secret seeds"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    rows = [row for row in benchmark.winning if row.measured]
    pairs = [(row, row.run.correctness) for row in rows if row.run.correctness is not None]
    yield from unrecorded(benchmark, [row for row in rows if row.run.correctness is None], "correctness")
    few = [row for row, said in pairs if said.checked_calls < min(FEWEST, row.run.timed_calls)]
    yield from faulty(
        benchmark,
        few,
        f"at least {FEWEST} timed outputs compared",
        "fewer",
        ADVICE,
        modes=("H13",),
        code="not_rechecked",
    )
    known = [row for row, said in pairs if said.secret_seeds < said.checked_calls >= min(FEWEST, row.run.timed_calls)]
    yield from faulty(
        benchmark,
        known,
        "a secret seed of its own for every compared call",
        "fewer seeds than compared calls",
        ADVICE,
        modes=("H13",),
        code="seeds_reused",
    )
    yield from unrecorded(
        benchmark, [row for row, said in pairs if said.same_pointer_recheck is None], "a recheck under the same pointer"
    )
    cached = [row for row, said in pairs if said.same_pointer_recheck is False]
    yield from faulty(
        benchmark,
        cached,
        "the answer to the new contents under an old pointer",
        "the answer to the old ones",
        "drop the cache: an address says nothing about what stands there",
        modes=("H13",),
        code="cached_answer",
        action=Action.EJECT,
    )


rule = Rule("harness_rechecked", HARNESS, ("H13",), ("bench",), check, gives=(Severity.FAIL,))
