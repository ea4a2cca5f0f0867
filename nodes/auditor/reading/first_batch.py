"""Measures how much longer the first requests of a round waited: a compile, or a server that was not warm."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

SLOWER = 3.0
"""Ratio of the time to first token, first batch against the others, from which the start counts as cold."""
FEWEST = 4
"""Requests after the first batch that are needed to know what is usual."""


def find_cold_start(ttfts: Sequence[float], errors: Sequence[str], concurrency: int) -> float:
    """Return the seconds by which the first batch of a round waited longer than usual; 0 for a warm start.

    ``ttfts`` (s) are in the order in which the requests were sent, and ``concurrency`` of them are the first batch.
    Requests that all arrive at once queue up, so that the first are the fastest and nothing is found.
    """
    if concurrency < 1 or len(ttfts) < concurrency + FEWEST:
        return 0.0
    first = [ttft for ttft, error in zip(ttfts[:concurrency], errors, strict=False) if not error]
    later = [ttft for ttft, error in zip(ttfts[concurrency:], errors[concurrency:], strict=False) if not error]
    if not first or len(later) < FEWEST:
        return 0.0
    usual = median(later)
    return median(first) - usual if usual > 0 and median(first) > SLOWER * usual else 0.0
