"""Measures fixtures per second: built, sealed and judged by the rules, with and without a process for each audit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bankable.evals.runner.run import FixtureTask, each


@dataclass(frozen=True)
class Speed:
    """One way to judge."""

    name: str
    fixtures: int
    seconds: float
    """Wall time of all of them."""
    audit_s: float
    """Seconds of the audits, summed over the workers."""

    def line(self, jobs: int) -> str:
        """Summary for people."""
        rate = self.fixtures / self.seconds
        return (
            f"{self.name:<26}{rate:8.2f} fixtures/s   {self.fixtures} in {self.seconds:.1f} s with {jobs} workers, "
            f"{self.audit_s / self.fixtures:.3f} s an audit"
        )


def measure(names: Sequence[str], jobs: int, *, isolated: bool) -> Speed:
    """Judge these fixtures once, nothing cached."""
    begun = time.perf_counter()
    judgments = [
        judgment
        for done in each([FixtureTask(name, (0,), isolated=isolated) for name in names], jobs)
        for judgment in done
    ]
    name = "a process for each audit" if isolated else "in the worker's process"
    return Speed(name, len(judgments), time.perf_counter() - begun, sum(judgment.seconds for judgment in judgments))
