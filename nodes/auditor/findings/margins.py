"""Judges the figures that a caller holds to margins, one by one and together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.measured import values
from bankable.tools.evidence.records import Side
from bankable.tools.statistics.no_worse import Change, NoWorseDecision, Outcome, decide_no_worse, find_change


def judge_margins(case: Case) -> Iterator[tuple[str, Change | None, NoWorseDecision | None]]:
    """(figure, its change, the decision) of each margin; nothing to decide on where a launch lacks the figure."""
    margins = case.options.no_worse
    for name, margin in margins:
        change = find_change(*([values(leg, name) for leg in case.counted(side)] for side in Side))
        larger = name.endswith("_throughput")
        decision = (
            None if change is None else decide_no_worse(change, margin, larger_is_better=larger, figures=len(margins))
        )
        yield name, change, decision


def join_outcomes(decisions: Sequence[NoWorseDecision | None]) -> Outcome:
    """Worse when one figure is, no worse when all are, else undecided."""
    outcomes = {decision.outcome if decision is not None else "undecided" for decision in decisions}
    if "worse" in outcomes:
        return "worse"
    return "no_worse" if outcomes == {"no_worse"} else "undecided"
