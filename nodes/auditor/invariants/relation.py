"""The form of an invariant: two quantities that different records state, and how they have to relate.

An invariant is a table entry, never a procedure: it names both records, the relation, the tolerance with its reason,
the failure mode that a violation shows, and a function that reads pairs of values from the evidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bankable.nodes.auditor.rule import Found, NotApplicable, Outcome, Remark, fail, flag
from bankable.nodes.auditor.verdict import Action, Evidence, Severity

if TYPE_CHECKING:
    from bankable.nodes.auditor.case import Case

ADVICE = "two records of one quantity disagree: measure again, and do not edit evidence by hand"
TINY = 1e-12
"""Denominator below which a relative difference is taken as absolute."""


class Relation(StrEnum):
    """How two values have to relate. Each has a deviation, which may not exceed the tolerance."""

    EQUAL = "="
    """Deviation |l − r| / max(|l|, |r|); 0 or 1 for values that are not numbers."""
    SAME = "≈"
    """Deviation |l − r|, in the unit of both."""
    AT_MOST = "≤"
    """Deviation l / r − 1: negative while there is room."""
    AT_LEAST = "≥"
    """Deviation 1 − l / r: negative while there is room."""
    DISTINCT = "≠"
    """Deviation 1 when both are equal, else 0."""


Value = float | str


@dataclass(frozen=True)
class ValuePair:
    """One pair of values from the evidence."""

    left: Value
    right: Value
    file: str
    """Evidence file of the left value, relative to the sealed folder."""
    line: int | None = None
    """Its line, 1-based."""


@dataclass(frozen=True, kw_only=True)
class Invariant:
    """One entry of the table."""

    id: str
    """Unique in the table; code of its findings."""
    left: str
    """Record and quantity on the left."""
    relation: Relation
    right: str
    """Record and quantity on the right."""
    tolerance: float
    """Largest deviation that is accepted, in the unit that the relation gives it."""
    reason: str
    """Why this tolerance: the source of honest differences, and the margin."""
    mode: str
    """Failure mode that a violation shows."""
    read: Callable[[Case], Iterable[ValuePair]]
    """Pairs of values; none where a record does not exist."""
    severity: Severity = Severity.FAIL
    """FAIL for contradictions, FLAG for a measurement that may stand under another headline, INFO for a remark."""
    action: Action = Action.REMEASURE
    """What a violation asks for."""
    advice: str = ADVICE
    """What the producer should do."""


def deviation(relation: Relation, left: Value, right: Value) -> float:
    """How far a pair is from its relation; infinite where a number is not finite or cannot be compared."""
    if isinstance(left, str) or isinstance(right, str):
        equal = str(left) == str(right)
        return float(equal if relation is Relation.DISTINCT else not equal)
    if not (math.isfinite(left) and math.isfinite(right)):
        return math.inf
    match relation:
        case Relation.EQUAL:
            distance = abs(left - right) / max(abs(left), abs(right), TINY)
        case Relation.SAME:
            distance = abs(left - right)
        case Relation.AT_MOST:
            distance = _excess(left, right)
        case Relation.AT_LEAST:
            distance = -_excess(left, right)
        case Relation.DISTINCT:
            distance = float(left == right)
    return distance


def _excess(left: float, right: float) -> float:
    """left / right − 1, or their difference where the right value is zero or negative."""
    return left / right - 1.0 if right > TINY else left - right


def largest_deviation(invariant: Invariant, case: Case) -> float | None:
    """The largest deviation of an invariant in some evidence; ``None`` where no pair of its records exists."""
    return max(
        (deviation(invariant.relation, reading.left, reading.right) for reading in invariant.read(case)), default=None
    )


def judge_invariants(invariants: Iterable[Invariant], case: Case) -> Iterator[Outcome]:
    """One finding for each violated invariant, on its worst pair."""
    applied = total = 0
    for invariant in invariants:
        total += 1
        pairs = violated = 0
        worst: tuple[float, ValuePair] | None = None
        for reading in invariant.read(case):
            pairs += 1
            distance = deviation(invariant.relation, reading.left, reading.right)
            if not distance <= invariant.tolerance:
                violated += 1
                if worst is None or distance > worst[0]:
                    worst = distance, reading
        applied += pairs > 0
        if worst is not None:
            yield _violation(invariant, worst[1], violated, pairs)
    if not applied:
        yield NotApplicable(f"none of {total} relations has both of its records")


def _violation(invariant: Invariant, reading: ValuePair, violated: int, pairs: int) -> Outcome:
    expected = f"{invariant.left} {invariant.relation.value} {invariant.right}"
    allowed = f" within {invariant.tolerance:g}" if invariant.tolerance else ""
    observed = f"{_text(reading.left)} against {_text(reading.right)} ({violated} of {pairs} pairs)"
    if invariant.severity is Severity.INFO:
        return Remark(f"{invariant.id}: {observed}; expected {expected}")
    weigh: Callable[..., Found] = fail if invariant.severity is Severity.FAIL else flag
    return weigh(
        f"{expected}{allowed}"[:300],
        observed[:300],
        invariant.advice,
        Evidence(file=reading.file, line=reading.line),
        action=invariant.action,
        modes=(invariant.mode,),
        code=invariant.id,
    )


def _text(value: Value) -> str:
    return value[:80] if isinstance(value, str) else f"{value:.6g}"
