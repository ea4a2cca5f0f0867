"""McNemar's exact test: whether the candidate answered fewer of the *same* questions correctly.

Only questions on which the legs differ carry information; under "no change" each of them falls to either side with
probability one half. Source: McNemar, Psychometrika 12 (1947); exact form by the binomial distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PairedAccuracy:
    """Two legs on the same questions."""

    questions: int
    only_reference: int
    """Right on the reference, wrong on the candidate."""
    only_candidate: int
    reference: float
    """Accuracy as a fraction."""
    candidate: float
    p_worse: float
    """One-sided exact p of "the candidate is not worse"; small means that it is worse."""
    p_two_sided: float
    standard_error: float
    """Of the paired difference, as a fraction. No tolerance may be smaller than this."""

    @property
    def difference(self) -> float:
        """Candidate minus reference, as a fraction."""
        return (self.only_candidate - self.only_reference) / self.questions


def upper_tail(successes: int, trials: int) -> float:
    """Return P(X ≥ successes) of a fair coin tossed ``trials`` times, exactly rounded."""
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes do not fit {trials} trials")
    if successes == 0:
        return 1.0
    term, total = 1, 0
    # The shorter side of the symmetric distribution, from its end inwards: one big-integer multiplication a step.
    for k in range(trials - successes + 1):
        total += term
        term = term * (trials - k) // (k + 1)
    return total / (1 << trials)


def mcnemar(reference: Sequence[bool], candidate: Sequence[bool]) -> PairedAccuracy:
    """Compare two legs, question by question in the same order. Raises ValueError on different or no questions."""
    if len(reference) != len(candidate) or not reference:
        raise ValueError(f"paired answers are needed, not {len(reference)} and {len(candidate)}")
    n = len(reference)
    lost = sum(r and not c for r, c in zip(reference, candidate, strict=True))
    won = sum(c and not r for r, c in zip(reference, candidate, strict=True))
    return PairedAccuracy(
        questions=n,
        only_reference=lost,
        only_candidate=won,
        reference=sum(map(bool, reference)) / n,
        candidate=sum(map(bool, candidate)) / n,
        p_worse=upper_tail(lost, lost + won),
        p_two_sided=min(1.0, 2.0 * upper_tail(max(lost, won), lost + won)),
        standard_error=math.sqrt(max(0.0, lost + won - (lost - won) ** 2 / n)) / n,
    )
