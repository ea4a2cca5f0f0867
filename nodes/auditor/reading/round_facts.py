"""What the invariants need of a round beside the figures that are recomputed anyway.

Taken while the round's line is parsed, so that its per-request lists can be dropped afterwards.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bankable.nodes.auditor.reading.gaps import Gaps
from bankable.nodes.auditor.reading.texts import Texts

MAX_FIGURES = 200
FIRST_GAPS = 256
"""Gaps of each round that are kept: a copied round shows in them as well as in all."""


@dataclass(frozen=True, kw_only=True)
class RoundFacts:
    """Per-request latencies and counted text of one round, and every number that its record states."""

    figures: Mapping[str, float]
    """Numbers at the top level of the record, by key."""
    cache: Mapping[str, float]
    """Numbers of the record's ``cache_report``, by key."""
    ttfts: Sequence[float]
    """Time to the first token of each completed request, seconds."""
    spans: Sequence[float]
    """Time to the first token plus all gaps of each completed request, seconds."""
    gap_s: float
    """Sum of all gaps between tokens of the completed requests, seconds."""
    gaps: int
    """Number of these gaps."""
    first_gaps: Sequence[float]
    """The first ``FIRST_GAPS`` gaps in the order of the requests, seconds."""
    p99_tpot_ms: float
    """99th percentile of the time per output token, milliseconds, recomputed."""
    starts: Sequence[int]
    """Checksum of the beginning of each answer, in the order of the requests; empty when the record stores no texts."""
    characters: int
    """Characters of all answers."""
    empty: int
    """Completed requests that are credited with tokens and have an empty text."""
    overcached: int
    """Requests with more cached tokens than prompt tokens."""


def collect_facts(
    entry: Mapping[str, Any],
    lists: tuple[Sequence[int], Sequence[int], Sequence[float], Sequence[str], Sequence[int] | None],
    gaps: Gaps,
    first_gaps: Sequence[float],
    texts: Texts,
    p99_tpot_ms: float,
) -> RoundFacts:
    """Facts of a parsed round.

    ``lists``: prompt and output tokens, times to the first token, errors and cached tokens, one per request.
    """
    inputs, outputs, ttfts, errors, cached = lists
    sums, counts = gaps.sums, gaps.counts
    done = [index for index, error in enumerate(errors) if not error]
    lengths = texts.lengths
    whole = len(texts) == len(errors)
    return RoundFacts(
        figures=_numbers(entry),
        cache=_numbers(entry.get("cache_report")),
        ttfts=array("d", [ttfts[index] for index in done]),
        spans=array("d", [ttfts[index] + sums[index] for index in done]),
        gap_s=math.fsum(sums[index] for index in done),
        gaps=sum(counts[index] for index in done),
        first_gaps=first_gaps,
        p99_tpot_ms=p99_tpot_ms,
        starts=texts.starts,
        characters=sum(lengths),
        empty=sum(not lengths[index] and outputs[index] > 0 for index in done) if whole else 0,
        overcached=sum(map(int.__gt__, cached, inputs)) if cached else 0,
    )


def _numbers(entry: object) -> dict[str, float]:
    """Finite numbers of an object by key, the first ``MAX_FIGURES``."""
    if not isinstance(entry, dict):
        return {}
    numbers: dict[str, float] = {}
    for name, value in entry.items():
        if value.__class__ in (int, float) and -1e18 < value < 1e18 and len(numbers) < MAX_FIGURES:
            numbers[name] = float(value)
    return numbers
