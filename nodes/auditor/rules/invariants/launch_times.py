"""Launches in the order of their blocks; start, warm-ups and rounds of each, one after the other (C03 C05 C11 D11)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from statistics import fmean, median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.evidence import LEG, replayed, timed_launches
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import LegSpan, Side

FEWEST_PAUSES = 4
"""Pauses of a side below which nothing is said about a usual one."""


def _block_order(case: Case) -> Iterator[ValuePair]:
    """Seconds that a block's first launch comes before the previous block's last stop."""
    spans = _block_spans(case)
    for (_, before), (leg, after) in pairwise(spans):
        yield ValuePair(max(0.0, before[1] - after[0]), 0.0, leg.path(LEG))


def _block_gap(case: Case) -> Iterator[ValuePair]:
    """Seconds between two blocks in which no launch was recorded, against the shortest block."""
    spans = _block_spans(case)
    if len(spans) < 2:
        return
    shortest = min(ended - began for _, (began, ended) in spans)
    others = sorted(
        (leg.record.launched_at, leg.record.stopped_at) for leg in case.comparison.legs if leg.record is not None
    )
    for (_, before), (leg, after) in pairwise(spans):
        covered = math.fsum(
            max(0.0, min(stop, after[0]) - max(start, before[1])) for start, stop in others if start < after[0]
        )
        yield ValuePair(after[0] - before[1] - covered, shortest, leg.path(LEG))


def _block_spans(case: Case) -> list[tuple[LegView, tuple[float, float]]]:
    spans = []
    for block in case.blocks:
        records = [leg.record for leg in block.legs() if leg.record is not None and not replayed(leg)]
        if len(records) == len(Side):
            began, ended = min(r.launched_at for r in records), max(r.stopped_at for r in records)
            spans.append((block.candidate, (began, ended)))
    return spans if case.planned is not None else []


def _start_span(case: Case) -> Iterator[ValuePair]:
    for leg, record in timed_launches(case):
        starts = [span for span in record.spans if span.kind == "start"]
        if starts and record.ready_at is not None:
            off = max(abs(starts[0].started - record.launched_at), abs(starts[0].ended - record.ready_at))
            yield ValuePair(off, 0.0, leg.path(LEG))


def _spans_inside(case: Case) -> Iterator[ValuePair]:
    for leg, record in timed_launches(case):
        for span in record.spans:
            outside = max(record.launched_at - span.started, span.ended - record.stopped_at, 0.0)
            yield ValuePair(outside, 0.0, leg.path(LEG))


def _spans_apart(case: Case) -> Iterator[ValuePair]:
    """Seconds that two spans of one launch overlap."""
    for leg, record in timed_launches(case):
        ordered = sorted((span for span in record.spans if span.kind != "profile"), key=lambda span: span.started)
        for before, after in pairwise(ordered):
            yield ValuePair(max(0.0, before.ended - after.started), 0.0, leg.path(LEG))


def _spans_forward(case: Case) -> Iterator[ValuePair]:
    for leg, record in timed_launches(case):
        for span in record.spans:
            yield ValuePair(span.started, span.ended, leg.path(LEG))


def _warmed_before(case: Case) -> Iterator[ValuePair]:
    """Seconds that the last warm-up ends after the first timed round begins."""
    for leg, record in timed_launches(case):
        warm = [span.ended for span in record.spans if span.kind == "warmup"]
        timed = [span.started for span in record.spans if span.kind == "round"]
        if warm and timed:
            yield ValuePair(max(0.0, max(warm) - min(timed)), 0.0, leg.path(LEG))


def _length(span: LegSpan) -> float:
    return span.ended - span.started


def _by_side(case: Case, value: Callable[[LegView], float | None]) -> dict[Side, list[float]]:
    values: dict[Side, list[float]] = {side: [] for side in Side}
    for leg, record in timed_launches(case):
        number = value(leg)
        if number is not None:
            values[record.side].append(number)
    return values


def _warm_work(leg: LegView) -> float | None:
    """Median length of a warm-up over that of a timed round."""
    spans = leg.record.spans if leg.record is not None else []
    warm = [_length(span) for span in spans if span.kind == "warmup"]
    timed = [_length(span) for span in spans if span.kind == "round"]
    return median(warm) / median(timed) if warm and timed and median(warm) > 0 and median(timed) > 0 else None


def _first_round(leg: LegView) -> float | None:
    """Duration of the first timed round over the median of the others."""
    durations = [row.duration for row in leg.rows if row.duration]
    return durations[0] / median(durations[1:]) if len(durations) > 2 else None


def _pauses(case: Case) -> Iterator[ValuePair]:
    """Time from the end of a round to the start of the next one on the same machine, median over each side."""
    sides: dict[Side, list[float]] = {side: [] for side in Side}
    for block in case.blocks:
        legs = [leg for leg in block.legs() if leg.record is not None and not replayed(leg)]
        records = [leg.record for leg in legs if leg.record is not None]
        if len(records) < len(Side):
            continue
        together = min(record.stopped_at for record in records) > max(record.launched_at for record in records)
        for group in [legs] if together else [[leg] for leg in legs]:
            rounds = sorted(
                (row.stamp.started, row.stamp.ended, leg.side) for leg in group for row in leg.rows if row.stamp
            )
            for (_, ended, side), (started, _, _) in pairwise(rounds):
                if side is not None:
                    sides[side].append(started - ended)
    if all(len(pauses) >= FEWEST_PAUSES for pauses in sides.values()):
        yield ValuePair(median(sides[Side.CANDIDATE]), median(sides[Side.REFERENCE]), case.candidate_file)


def _ratio(value: Callable[[LegView], float | None]) -> Callable[[Case], Iterator[ValuePair]]:
    """Mean log of a value over the candidate's launches against that over the reference's."""

    def read(case: Case) -> Iterator[ValuePair]:
        sides = _by_side(case, value)
        if all(len(values) > 1 for values in sides.values()):
            means = {side: fmean(map(math.log, values)) for side, values in sides.items()}
            yield ValuePair(means[Side.CANDIDATE], means[Side.REFERENCE], case.candidate_file)

    return read


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="block_order",
        left="leg.json: seconds that a block starts before the previous one has ended",
        relation=Relation.SAME,
        right="none",
        tolerance=1.0,
        reason="blocks are measured one after the other",
        mode="C05",
        read=_block_order,
    ),
    Invariant(
        id="no_discarded_block",
        left="leg.json: seconds between two blocks without a recorded launch",
        relation=Relation.AT_MOST,
        right="the shortest block",
        tolerance=0.0,
        reason="a remark: a resumed run pauses too, and a discarded block needs this long",
        mode="D11",
        read=_block_gap,
        severity=Severity.INFO,
    ),
    Invariant(
        id="start_span",
        left="leg.json: seconds between the start span and launched_at, ready_at",
        relation=Relation.SAME,
        right="none",
        tolerance=20.0,
        reason="the same two moments; the ready line may be read late on a busy machine",
        mode="C03",
        read=_start_span,
    ),
    Invariant(
        id="spans_in_launch",
        left="leg.json: seconds of a span outside launched_at … stopped_at",
        relation=Relation.SAME,
        right="none",
        tolerance=0.5,
        reason="one clock",
        mode="R03",
        read=_spans_inside,
    ),
    Invariant(
        id="spans_apart",
        left="leg.json: seconds that two spans of a launch overlap",
        relation=Relation.SAME,
        right="none",
        tolerance=0.5,
        reason="a launch does one thing at a time",
        mode="C11",
        read=_spans_apart,
    ),
    Invariant(
        id="spans_forward",
        left="leg.json: started of a span",
        relation=Relation.AT_MOST,
        right="leg.json: ended of the span",
        tolerance=0.0,
        reason="a span cannot end before it starts",
        mode="R03",
        read=_spans_forward,
    ),
    Invariant(
        id="warmed_before",
        left="leg.json: seconds that a warm-up ends after the first timed round begins",
        relation=Relation.SAME,
        right="none",
        tolerance=0.1,
        reason="warm-ups come first",
        mode="C03",
        read=_warmed_before,
    ),
    Invariant(
        id="pauses_alike",
        left="bench_runs.jsonl: median seconds from a round of the candidate to the next round",
        relation=Relation.SAME,
        right="the same after a round of the reference",
        tolerance=0.3,
        reason="between two rounds only the next one is prepared, whichever side had the last",
        mode="D14",
        read=_pauses,
        severity=Severity.FLAG,
    ),
    Invariant(
        id="warm_ups_alike",
        left="leg.json: mean log (warm-up / timed round) of the candidate",
        relation=Relation.SAME,
        right="the same of the reference",
        tolerance=1.5,
        reason="a lever may compile in its first round",
        mode="C03",
        read=_ratio(_warm_work),
        severity=Severity.FLAG,
    ),
    Invariant(
        id="first_round_alike",
        left="bench_runs.jsonl: mean log (first round / median of the others) of the candidate",
        relation=Relation.SAME,
        right="the same of the reference",
        tolerance=0.5,
        reason="what compiles in a timed round of one side only was not warmed up",
        mode="C03",
        read=_ratio(_first_round),
        severity=Severity.FLAG,
    ),
)
