"""Lengths of the requests of a made batch: the longest is always there, the shortest has nine sixteenths of it.

The lengths follow from the sizes of a shape alone, so that work per call is the same for every seed. Only who has which
length is drawn.
"""

from __future__ import annotations

SPREAD = (0, 4, 2, 6, 1, 5, 3, 7)
"""Sixteenths that requests lack, in turn: a few of them are spread as far as many."""


def length(request: int, longest: int) -> int:
    """Tokens of one request, before the requests change places; 1 at least."""
    return longest - SPREAD[request % len(SPREAD)] * (longest // 16)


def total(requests: int, longest: int) -> int:
    """Tokens of all requests."""
    rounds, rest = divmod(requests, len(SPREAD))
    return requests * longest - (rounds * sum(SPREAD) + sum(SPREAD[:rest])) * (longest // 16)
