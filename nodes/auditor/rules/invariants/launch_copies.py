"""No two rounds share latencies, proportions of latencies, or noise: shared ones show a copied launch (R02)."""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, islice

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.correlation import correlate, residual_profiles
from bankable.nodes.auditor.invariants.evidence import ROUNDS, all_legs, replayed
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.reading.round_facts import RoundFacts
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.verdict import Severity

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
)
