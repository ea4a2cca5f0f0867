"""The exact sign-flip test: if the lever does nothing, every block difference could as well have the other sign.

p is the share of the 2ⁿ sign patterns whose sum reaches the observed one; its floor is 2⁻ⁿ, so three or four blocks
alone never prove a win. Source: Fisher, The Design of Experiments (1935), section 21.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Sequence

EXACT_UP_TO = 30
"""Blocks up to which every sign pattern is counted; above that a seeded sample of patterns stands in."""

SAMPLES = 20_000


def sign_flip_p(differences: Sequence[float]) -> float:
    """Return the one-sided p of "the mean difference is not above zero". Raises ValueError on none or non-finite."""
    if not differences or not all(math.isfinite(d) for d in differences):
        raise ValueError("a sign-flip test needs finite differences, at least one")
    # Rounding must not tear apart patterns that tie exactly, such as the observed one and itself.
    observed = math.fsum(differences) - 1e-12 * math.fsum(abs(d) for d in differences)
    if len(differences) > EXACT_UP_TO:
        return _sample(differences, observed)
    middle = len(differences) // 2
    left, right = _signed_sums(differences[:middle]), sorted(_signed_sums(differences[middle:]))
    reached = sum(len(right) - bisect_left(right, observed - value) for value in left)
    return reached / (1 << len(differences))


def _signed_sums(values: Sequence[float]) -> list[float]:
    sums = [0.0]
    for value in values:
        sums = [s + v for s in sums for v in (value, -value)]
    return sums


def _sample(differences: Sequence[float], observed: float) -> float:
    rng = random.Random("sign-flip")
    hits = sum(math.fsum(d if rng.random() < 0.5 else -d for d in differences) >= observed for _ in range(SAMPLES))
    # Counting the observed pattern itself keeps a sampled p valid (Phipson and Smyth 2010).
    return (hits + 1) / (SAMPLES + 1)
