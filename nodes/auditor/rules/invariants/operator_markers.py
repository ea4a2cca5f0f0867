"""Markers of the servers name the benchmarked source and shapes (E02 E05 H06 Q06)."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.overlay import Marker
from bankable.tools.profiling.replaced import Replaced, replaced_work


def _markers(case: Case) -> Iterator[tuple[LegView, Marker]]:
    if case.scope == "harness":
        return
    for leg in case.legs:
        for marker in leg.markers:
            yield leg, marker


def _marked_source(case: Case) -> Iterator[ValuePair]:
    """The source that ran in the server, against the plan's."""
    for leg, marker in _markers(case):
        part = case.lever.overlays.get(marker.name)
        if part is not None and marker.source_digest is not None and marker.resolved == part.implementation:
            yield ValuePair(marker.source_digest, part.source_digest, leg.path("engagement.jsonl"))


def _marked_shapes(case: Case) -> Iterator[ValuePair]:
    """Shapes of a marker that the operator's benchmark timed, at least one; rows may be others than there."""
    for leg, marker in _markers(case):
        bench = None if case.imported else case.view.operators.get(marker.name)
        if bench is not None and bench.served and marker.shapes:
            known = {_fixed_dims(marker.name, shape) for shape in bench.shapes}
            timed = sum(_fixed_dims(marker.name, shape) in known for shape in marker.shapes)
            yield ValuePair(float(timed), 1.0, leg.path("engagement.jsonl"))


def _fixed_dims(operator: str, shape: str) -> tuple[str, ...]:
    """Dimensions that belong to the model: those of weights and heads."""
    free = replaced_work().get(operator, Replaced()).free
    return tuple(size for place, size in enumerate(shape.split("x")) if place not in free)


def _handed_on(case: Case) -> Iterator[ValuePair]:
    """Of an operator that is not given calls of other work too."""
    for leg, marker in _markers(case):
        calls = marker.eager_calls + marker.captured_calls
        if calls and not replaced_work().get(marker.name, Replaced()).shared:
            yield ValuePair(float(marker.live_calls), float(calls), leg.path("engagement.jsonl"))


def _marked_error(case: Case) -> Iterator[ValuePair]:
    """The error inside the server against what the task tolerates."""
    for leg, marker in _markers(case):
        bench = None if case.imported else case.view.operators.get(marker.name)
        if bench is not None and bench.task is not None and marker.error_vs_live is not None:
            allowed = bench.task.tolerance.relative_error
            if allowed > 0:
                yield ValuePair(marker.error_vs_live, allowed, leg.path("engagement.jsonl"))


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="marked_source",
        left="engagement.jsonl: source_digest",
        relation=Relation.EQUAL,
        right="plan.json: source_digest of the operator",
        tolerance=0.0,
        reason="one id, one source",
        mode="E02",
        read=_marked_source,
    ),
    Invariant(
        id="marked_shapes",
        left="engagement.jsonl: shapes that were benchmarked",
        relation=Relation.AT_LEAST,
        right="one",
        tolerance=0.0,
        reason="the benchmark's weight lies on served shapes",
        mode="H06",
        read=_marked_shapes,
    ),
    Invariant(
        id="handed_to_live",
        left="engagement.jsonl: calls handed on to the live implementation",
        relation=Relation.AT_MOST,
        right="engagement.jsonl: calls answered by the replacement",
        tolerance=0.0,
        reason="a replacement that answers less than half of its calls is not what was timed",
        mode="E05",
        read=_handed_on,
    ),
    Invariant(
        id="marked_error",
        left="engagement.jsonl: error_vs_live",
        relation=Relation.AT_MOST,
        right="task.json: tolerance.relative_error",
        tolerance=3.0,
        reason="served inputs are more than the sampled ones: a few times the bound",
        mode="Q06",
        read=_marked_error,
        severity=Severity.FLAG,
    ),
)
