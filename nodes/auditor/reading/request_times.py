"""Latencies of the requests of one round that were answered: all that a latency limit is held against."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RequestTimes:
    """One entry per answered request, in the order of the requests."""

    ttfts: Sequence[float]
    """Time to the first token, seconds."""
    decodes: Sequence[float]
    """Sum of the gaps between tokens, seconds."""
    tokens: Sequence[int]
    """Output tokens."""


def collect_times(
    ttfts: Sequence[float], decodes: Sequence[float], tokens: Sequence[int], errors: Sequence[str]
) -> RequestTimes:
    """Keep the requests that have no error and returned tokens; the lists have one entry per request."""
    answered = [index for index, error in enumerate(errors) if not error and tokens[index] > 0]
    return RequestTimes(
        array("d", [ttfts[index] for index in answered]),
        array("d", [decodes[index] for index in answered]),
        array("q", [tokens[index] for index in answered]),
    )
