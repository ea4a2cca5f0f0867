"""fast_p: the share of problems whose answer is correct and more than p times as fast as the reference.

Three ways of counting. *Theirs*: within KernelBench's tolerance, by the ratio of mean times. *Audited*: passed our
audit, by our ratio. *Shown*: passed, and the lower bound of our ratio is above p.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bankable.kernels.kernelbench.result import BenchResult

THRESHOLDS = (0.0, 0.5, 0.8, 1.0, 1.5, 2.0)
"""The values of p that KernelBench reports."""


@dataclass(frozen=True)
class FastP:
    """Shares of all problems, those among them that could not be judged."""

    p: float
    theirs: float
    audited: float
    shown: float


def fast_p(results: Sequence[BenchResult], thresholds: Sequence[float] = THRESHOLDS) -> list[FastP]:
    """Of the first sample of each problem, as KernelBench has it."""
    first: dict[tuple[int, int], BenchResult] = {}
    for result in sorted(results, key=lambda entry: (entry.level, entry.problem, entry.sample or 0)):
        first.setdefault((result.level, result.problem), result)
    number = max(1, len(first))
    theirs = [result.their_speedup or 0.0 for result in first.values() if result.within_their_tolerance]
    passed = [result for result in first.values() if result.verdict == "PASS"]
    audited = [result.speedup or 0.0 for result in passed]
    shown = [result.interval[0] for result in passed if result.interval is not None]
    return [
        FastP(p, *(sum(ratio > p for ratio in ratios) / number for ratios in (theirs, audited, shown)))
        for p in thresholds
    ]
