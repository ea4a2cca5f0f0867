"""Measures the share of a run's wall time that is neither server start nor load: this project's own overhead.

Two figures from one recorded run. *Replayed*: the whole graph is run again over the recording, in a process of its own,
with audits, evidence writing and report; its real wall time is ours alone, set against the recorded time of starts,
warm-ups, rounds, probes and profile. *Recorded*: the part of the recorded wall time that no launch spent on any of
these, which also holds the stopping of servers and whatever else the machine was made to wait for.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import LegRecord
from bankable.tools.serving.recording import Recording

ROOT = Path(__file__).resolve().parents[2]
GOAL = 0.05


@dataclass(frozen=True)
class Overhead:
    """Seconds of one run."""

    wall_s: float
    """First launch to last stop, as recorded."""
    busy_s: float
    """Of these, covered by starts, warm-ups, rounds, probes or the profile."""
    own_s: float
    """Wall time of the replay: everything except the engine's time."""

    @property
    def replayed_share(self) -> float:
        """Ours / (ours + engine's)."""
        return self.own_s / (self.own_s + self.busy_s)

    @property
    def recorded_share(self) -> float:
        """Recorded wall time in which no launch was busy."""
        return 1 - self.busy_s / self.wall_s

    def table(self) -> str:
        """Summary for people."""
        return "\n".join(
            [
                f"recorded wall time (first launch to last stop)   {self.wall_s:9.1f} s",
                f"starts, warm-ups, rounds, probes, profile        {self.busy_s:9.1f} s",
                f"our own work, replayed                           {self.own_s:9.1f} s",
                f"share of our own work                            {self.replayed_share:9.2%}   (goal < {GOAL:.0%})",
                f"share of recorded time outside starts and load   {self.recorded_share:9.2%}   (with stops)",
            ]
        )


def measure(recording: Path) -> Overhead:
    """Replay a recording and compare. Raises ``UserError`` when it cannot be replayed."""
    opened = Recording(recording)
    try:
        legs = [leg.leg for leg in opened.legs]
    finally:
        opened.close()
    with tempfile.TemporaryDirectory(prefix="bankable-overhead-") as folder:
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "graph", "run", "--replay", str(recording), "--out", f"{folder}/run"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        own = time.perf_counter() - begun
    if done.returncode != 0:
        raise UserError(f"Cannot replay the recording: {done.stderr.strip()[-300:]}", str(recording), "check the file")
    wall = max(leg.stopped_at for leg in legs) - min(leg.launched_at for leg in legs)
    return Overhead(wall, sum_launch_time(legs), own)


def sum_launch_time(legs: Iterable[LegRecord]) -> float:
    """Seconds in which at least one launch was starting, being loaded or probed."""
    total, end = 0.0, float("-inf")
    for start, stop in sorted((span.started, span.ended) for leg in legs for span in leg.spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total
