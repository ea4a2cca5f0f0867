"""Launches are independent of each other, in the order of the plan, and each record tells one story (R02 R03 C03 C11).

No two rounds have the same latencies or proportional ones; launches follow each other in the order of their blocks;
start-up, warm-ups and rounds of one launch lie in its life one after the other; servers that are up together differ in
process and port; the command line holds the recorded configuration. One relation each.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, islice, pairwise
from statistics import fmean, median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.correlation import correlate, residual_profiles
from bankable.nodes.auditor.invariants.evidence import LEG, ROUNDS, all_legs, launches, replayed, timed_launches
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair, judge_invariants
from bankable.nodes.auditor.reading.launch_args import parse
from bankable.nodes.auditor.reading.round_facts import RoundFacts
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Rule
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import LegSpan, Side

FEWEST_GAPS = 16
"""Different gaps below which proportions may be equal by chance."""
MOST_PAIRS = 6_000
"""Pairs of rounds that are compared."""


def _own_rounds(case: Case) -> Iterator[tuple[LegView, BenchRound, RoundFacts]]:
    """Rounds with latencies of their own, of the comparison and its control.

    Files of other tools are left out unless a ``leg.json`` says which launch they are of: nothing ties them to one.
    """
    for leg in all_legs(case):
        if replayed(leg) or (case.imported and leg.record is None):
            continue
        for row in leg.rows:
            if row.facts is not None and row.listed and len(row.facts.ttfts) > 1:
                yield leg, row, row.facts


def _distinct(values: Callable[[RoundFacts], Sequence[float]]) -> Callable[[Case], Iterator[ValuePair]]:
    """Each round's list against every other list: by name of the round that had it first."""

    def read(case: Case) -> Iterator[ValuePair]:
        first: dict[bytes, str] = {}
        for leg, row, facts in _own_rounds(case):
            place = f"{leg.path(ROUNDS)} line {row.line}"
            latencies = values(facts)
            if not any(latencies):
                continue
            packed = array("d", sorted(latencies)).tobytes()
            owner = first.setdefault(hashlib.blake2b(packed, digest_size=16).digest(), place)
            yield ValuePair(place if owner == place else f"those of {owner}", place, leg.path(ROUNDS), row.line)

    return read


def _first_tokens(facts: RoundFacts) -> Sequence[float]:
    return facts.ttfts


def _decodes(facts: RoundFacts) -> Sequence[float]:
    """Decode times in whole nanoseconds: the difference of two numbers is exact to rounding only."""
    return [float(round(1e9 * (span - ttft))) for span, ttft in zip(facts.spans, facts.ttfts, strict=True)]


def _proportions(facts: RoundFacts) -> Sequence[float]:
    """The first gaps over their sum, to nine digits; nothing for gaps that are all alike."""
    total = math.fsum(facts.first_gaps)
    shares = [round(1e12 * gap / total, -3) for gap in facts.first_gaps] if total > 0 else []
    return shares if len(set(shares)) > FEWEST_GAPS else []


def _alike(case: Case) -> Iterator[ValuePair]:
    """The largest correlation of a round's own noise with that of a round of another launch."""
    rounds = list(_own_rounds(case))
    if len({(tuple(row.input_lens), tuple(row.output_lens)) for _, row, _ in rounds}) > 1:
        return  # lengths drawn by the seed give both legs of a block one pattern
    groups = [(leg.folder.split("/legs/")[0], None if case.is_control else leg.side) for leg, _, _ in rounds]
    profiles = residual_profiles([facts.first_gaps for _, _, facts in rounds], groups)
    known = [(leg, row, profile) for (leg, row, _), profile in zip(rounds, profiles, strict=True) if profile]
    worst: tuple[float, LegView, BenchRound] | None = None
    for (leg, _, left), (other, row, right) in islice(combinations(known, 2), MOST_PAIRS):
        if leg is other or len(left) != len(right):
            continue
        likeness = correlate(left, right)
        if worst is None or likeness > worst[0]:
            worst = likeness, other, row
    if worst is not None:
        yield ValuePair(worst[0], 1.0, worst[1].path(ROUNDS), worst[2].line)


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


def _ratio(value: Callable[[LegView], float | None]) -> Callable[[Case], Iterator[ValuePair]]:
    """Mean log of a value over the candidate's launches against that over the reference's."""

    def read(case: Case) -> Iterator[ValuePair]:
        sides = _by_side(case, value)
        if all(len(values) > 1 for values in sides.values()):
            means = {side: fmean(map(math.log, values)) for side, values in sides.items()}
            yield ValuePair(means[Side.CANDIDATE], means[Side.REFERENCE], case.candidate_file)

    return read


def _together(case: Case) -> Iterator[tuple[LegView, LegView]]:
    """Both launches of a block that were up at the same time."""
    for block in case.blocks:
        first, second = block.reference.record, block.candidate.record
        if first is None or second is None or replayed(block.reference) or replayed(block.candidate):
            continue
        if first.host == second.host and min(first.stopped_at, second.stopped_at) > max(
            first.launched_at, second.launched_at
        ):
            yield block.legs()


def _ports(case: Case) -> Iterator[ValuePair]:
    for first, second in _together(case):
        ports = [parse(leg.record.argv)[0].get("port") for leg in (first, second) if leg.record is not None]
        if len(ports) == len(Side) and ports[0] is not None and ports[1] is not None:
            yield ValuePair(ports[1], ports[0], second.path(LEG))


def _flags(case: Case) -> Iterator[ValuePair]:
    """Every recorded flag on the command line, with its value."""
    for leg, record in launches(case):
        given = parse(record.argv)[0]
        for name, value in record.config.flags.items():
            if record.driver == "attached" or isinstance(value, bool):
                continue
            yield ValuePair(f"{name} {given.get(name, 'absent')}", f"{name} {value}", leg.path(LEG))


def _variables(case: Case) -> Iterator[ValuePair]:
    for leg, record in launches(case):
        for name, value in record.config.env.items():
            if record.driver != "attached":
                yield ValuePair(f"{name} {record.env.get(name, 'absent')}", f"{name} {value}", leg.path(LEG))


def _named(case: Case) -> Iterator[ValuePair]:
    for leg, record in launches(case):
        if case.planned is not None:
            yield ValuePair(
                record.leg_id[:4] + record.leg_id[4:].split("-again")[0],
                _name(record.block, record.side),
                leg.path(LEG),
            )


def _name(block: int, side: Side) -> str:
    return f"b{block:02d}-{side.value}"


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="own_first_tokens",
        left="bench_runs.jsonl: ttfts of a round, sorted",
        relation=Relation.EQUAL,
        right="a list of this round alone",
        tolerance=0.0,
        reason="clocks of nanoseconds never give one list twice",
        mode="R02",
        read=_distinct(_first_tokens),
    ),
    Invariant(
        id="own_decodes",
        left="bench_runs.jsonl: decode times of a round in nanoseconds, sorted",
        relation=Relation.EQUAL,
        right="a list of this round alone",
        tolerance=0.0,
        reason="clocks of nanoseconds never give one list twice",
        mode="R02",
        read=_distinct(_decodes),
    ),
    Invariant(
        id="own_proportions",
        left="bench_runs.jsonl: gaps of a round, in proportion to each other",
        relation=Relation.EQUAL,
        right="proportions of this round alone",
        tolerance=0.0,
        reason="a scaled list keeps its proportions; two measurements never share them to nine digits",
        mode="R02",
        read=_distinct(_proportions),
    ),
    Invariant(
        id="independent_latencies",
        left="bench_runs.jsonl: correlation of a round's log gaps with another launch, without their side's pattern",
        relation=Relation.AT_MOST,
        right="1",
        tolerance=-0.05,
        reason="noise of two launches is independent, apart from what the machine does to both; a copy has 1.000",
        mode="R02",
        read=_alike,
        severity=Severity.FLAG,
    ),
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
        reason="time",
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
    Invariant(
        id="own_port",
        left="leg.json: --port",
        relation=Relation.DISTINCT,
        right="leg.json: --port of the server beside it",
        tolerance=0.0,
        reason="two servers cannot share one",
        mode="C07",
        read=_ports,
    ),
    Invariant(
        id="flags_of_argv",
        left="leg.json: argv",
        relation=Relation.EQUAL,
        right="leg.json: config.flags",
        tolerance=0.0,
        reason="the command line is made from the configuration",
        mode="C10",
        read=_flags,
    ),
    Invariant(
        id="variables_of_env",
        left="leg.json: env",
        relation=Relation.EQUAL,
        right="leg.json: config.env",
        tolerance=0.0,
        reason="the environment is made from the configuration",
        mode="C10",
        read=_variables,
    ),
    Invariant(
        id="name_of_leg",
        left="leg.json: leg_id",
        relation=Relation.EQUAL,
        right="leg.json: block and side",
        tolerance=0.0,
        reason="the name is made from both",
        mode="R03",
        read=_named,
    ),
)


def check(case: Case) -> Iterator[Outcome]:
    return judge_invariants(INVARIANTS, case)


rule = Rule(
    "invariants_launches",
    COMPARISONS,
    ("R02", "R03", "C03", "C05", "C07", "C10", "C11", "D11"),
    ("lever", "rounds"),
    check,
)
