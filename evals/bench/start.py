"""Measures the latency of ``audit`` on two small files, against an interpreter that imports pydantic.

Both are started in turns, so that a slow moment of the machine hits both. What counts is the difference of a pair:
everything that the audit does beyond having its models. CPU seconds stand beside wall seconds, for on a busy machine
only they say what the audit itself costs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bankable.evals.fixtures.build.run import standard_run
from bankable.tools.errors import UserError
from bankable.tools.package import FOLDER

GOAL_S = 0.3
PEER = (sys.executable, "-c", "import pydantic")
CODES = {0, 10, 20}
"""Exit codes of PASS, FLAG, FAIL."""


@dataclass(frozen=True)
class Took:
    """Seconds of one process."""

    wall: float
    cpu: float
    """User and system time, of its children too."""


@dataclass(frozen=True)
class StartTimes:
    """Pairs of processes."""

    audit: tuple[Took, ...]
    peer: tuple[Took, ...]

    def beyond(self, name: str) -> float:
        """Median difference of a pair, seconds of ``wall`` or ``cpu``."""
        pairs = zip(self.audit, self.peer, strict=True)
        return float(median(getattr(ours, name) - getattr(theirs, name) for ours, theirs in pairs))

    def table(self) -> str:
        """Summary for people; states a missed goal."""
        lines = [f"{len(self.audit)} pairs, started in turns        wall       CPU"]
        for name, runs in (("import pydantic", self.peer), ("audit, two small files", self.audit)):
            lines.append(
                f"  {name:<28}{median(run.wall for run in runs):9.3f} {median(run.cpu for run in runs):9.3f} s"
            )
        met = self.beyond("wall") <= GOAL_S
        lines.append(
            f"  {'beyond it':<28}{self.beyond('wall'):9.3f} {self.beyond('cpu'):9.3f} s   "
            f"(goal at most {GOAL_S} s: {'met' if met else 'MISSED'})"
        )
        return "\n".join(lines)


def measure(pairs: int) -> StartTimes:
    """Time ``count`` pairs after an untimed one. Raises ``UserError`` when an audit gives no verdict."""
    with tempfile.TemporaryDirectory(prefix="bench-start-") as place:
        run = standard_run(Path(place) / "run")
        legs = run / "comparisons" / "patch-stream_interval" / "legs"
        files = [str(legs / f"b00-{side}" / "bench_runs.jsonl") for side in ("reference", "candidate")]
        ours = (sys.executable, "-m", "graph", "audit", *files)
        audit, peer = [], []
        for index in range(-1, pairs):
            both = (_took(ours, CODES), _took(PEER, {0}))
            if index >= 0:
                audit.append(both[0])
                peer.append(both[1])
    return StartTimes(tuple(audit), tuple(peer))


def _took(command: Sequence[str], codes: set[int]) -> Took:
    before, begun = os.times(), time.perf_counter()
    code = subprocess.run(command, cwd=FOLDER, capture_output=True, check=False).returncode
    wall, after = time.perf_counter() - begun, os.times()
    if code not in codes:
        raise UserError(f"Cannot time the command: exit code {code}", " ".join(command), "run it by hand to see why")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Took(wall, cpu)
