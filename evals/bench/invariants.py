"""Measures what the table of invariants costs: audits of recorded runs with it and without it, in turns.

Each repeat judges a sealed comparison twice in this process, once with every rule and once without the rules of the
table, in alternating order, so that a slow minute of the machine hits both. The ratio is taken within a repeat.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bankable.evals.redteam.subjects import RunSubject, find_subjects
from bankable.nodes.auditor.engine import evaluate
from bankable.nodes.auditor.rule import Rule
from bankable.nodes.auditor.rules import RULES
from bankable.nodes.auditor.rules.invariants import INVARIANT_RULES
from bankable.tools.evidence.seal import seal

GOAL = 1.3
"""Largest cost of an audit with the table, as a multiple of one without."""
OTHERS: tuple[Rule, ...] = tuple(rule for rule in RULES if rule not in INVARIANT_RULES)


@dataclass(frozen=True)
class TableCost:
    """Seconds of the audits of one subject."""

    name: str
    with_table: tuple[float, ...]
    without: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """Time with the table over time without, of each repeat, ascending."""
        return sorted(both / alone for both, alone in zip(self.with_table, self.without, strict=True))

    def line(self) -> str:
        """Summary for people."""
        ratios = self.ratios
        return (
            f"{self.name:<56} {median(self.with_table):6.3f} s with, {median(self.without):6.3f} s without: "
            f"{median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]"
        )


def measure(places: Sequence[Path], repeats: int) -> tuple[TableCost, ...]:
    """Audit every comparison and benchmark of these runs ``repeats`` times each way; of all recorded ones by default.

    Raises ``UserError`` where nothing can be judged.
    """
    with tempfile.TemporaryDirectory(prefix="bench-invariants-") as name:
        return tuple(_measure(subject, Path(name), repeats) for subject in find_subjects(places, Path(name) / "runs"))


def _measure(subject: RunSubject, scratch: Path, repeats: int) -> TableCost:
    sealed = seal(subject.run, subject.scope, subject.name, subject.attempt, scratch / "sealed")
    seconds: dict[bool, list[float]] = {True: [], False: []}
    try:
        for repeat in range(repeats):
            for table in (True, False) if repeat % 2 == 0 else (False, True):
                begun = time.perf_counter()
                evaluate(sealed.folder, RULES if table else OTHERS)
                seconds[table].append(time.perf_counter() - begun)
    finally:
        sealed.discard()
    return TableCost(str(subject), tuple(seconds[True]), tuple(seconds[False]))


def cost_table(costs: Sequence[TableCost]) -> str:
    """One line a subject, and all of them together."""
    with_table = sum(median(cost.with_table) for cost in costs)
    without = sum(median(cost.without) for cost in costs)
    ratio = with_table / without
    met = "met" if ratio <= GOAL else "MISSED"
    together = f"{f'all {len(costs)} audits':<56} {with_table:6.3f} s with, {without:6.3f} s without: {ratio:.2f}"
    return "\n".join([*(cost.line() for cost in costs), f"{together} (goal at most {GOAL}: {met})"])
