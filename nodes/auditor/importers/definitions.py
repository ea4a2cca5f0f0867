"""Accepts figures that tools define in different ways: means with and without weights, quantiles by steps.

Another definition is no contradiction. A figure that no usual definition gives is one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from statistics import fmean

SLACK = 1e-6
"""Relative rounding of a figure."""


def nearest_mean(pairs: Sequence[tuple[float, int]], stated: float) -> float:
    """The mean of (value, tokens) that is nearest to the stated one: plain, by tokens, or by gaps between tokens."""
    means = [fmean(value for value, _ in pairs)]
    for weights in ([tokens for _, tokens in pairs], [max(0, tokens - 1) for _, tokens in pairs]):
        if sum(weights) > 0:
            products = (value * weight for (value, _), weight in zip(pairs, weights, strict=True))
            means.append(math.fsum(products) / sum(weights))
    return min(means, key=lambda mean: abs(mean - stated))


def is_quantile(pairs: Sequence[tuple[float, int]], q: float, stated: float) -> bool:
    """Whether a figure lies between the neighbours of the q-th percentile (0–100) of (value, tokens).

    Plain or weighted by tokens: definitions of a quantile differ by at most one order statistic.
    """
    ordered = sorted(pairs)
    for weights in ([1] * len(ordered), [tokens for _, tokens in ordered]):
        total = sum(weights)
        if total <= 0:
            continue
        reached = [sum_ / total for sum_ in accumulate(weights)]
        index = next((k for k, share in enumerate(reached) if share >= q / 100.0 - 1e-12), len(ordered) - 1)
        low, high = ordered[max(0, index - 1)][0], ordered[min(len(ordered) - 1, index + 1)][0]
        if low - SLACK * abs(low) <= stated <= high + SLACK * abs(high):
            return True
    return False
